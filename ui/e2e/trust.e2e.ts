/**
 * Somebody decides before anything happens, and everybody sees and takes back what is known of them: approvals in the
 * conversation and in the inbox, people, audit, memory, stop. Walks through the page's own test server.
 */

import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type House, openHouse, type Visit } from "./house";
import { answered, answers, barriers, field, say } from "./steps";

let house: House;
let visits: Visit[] = [];

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());
afterEach(async ({ task }) => {
  const [first] = visits;
  if (task.result?.state === "fail") await first?.shot(`failed-${task.name.replaceAll(/\W+/g, "-")}`);
  const complaints = visits.flatMap((visit) => visit.complaints);
  for (const visit of visits) await visit.context.close();
  visits = [];
  expect(complaints).toEqual([]);
});

async function enter(...how: Parameters<House["enter"]>) {
  const visit = await house.enter(...how);
  visits.push(visit);
  return visit;
}

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const cards = (page: Page) => page.getByTestId("approval");
const state = (page: Page, wanted: string) => page.locator(`[data-testid=approval][data-state=${wanted}]`);
const fits = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth <= innerWidth && innerWidth <= 390);
/** What the browser itself reports of requests that were refused on purpose. */
const meant = (visit: Visit) => {
  visit.complaints.length = 0;
};
/** Decisions sent since a moment. */
const decisions = (since = 0) =>
  (house.fake?.requests ?? []).slice(since).filter((request) => request.startsWith("POST /api/approvals/"));

test("asked, approved and done: a card, a line, a receipt, and a reload shows the same", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "Add V to the party");
  await state(page, "open").waitFor();
  await answered(page);
  await cards(page).getByRole("heading", { name: "Add V (Solo) to the party?" }).waitFor();
  await cards(page).getByText("Waits for you").waitFor();
  expect(await cards(page).getByTestId("time-left").textContent()).toMatch(/^\d+ min left$/);
  expect(await cards(page).locator("img").count()).toBe(1);
  expect(await page.getByTestId("announcer").textContent()).toContain("waits for a decision: Add V");
  await visit.shot("approval-open-light");
  expect(await barriers(page)).toEqual([]);

  await cards(page).getByRole("button", { name: "Details" }).click();
  await page.getByTestId("approval-details").getByText('"name": "V"').waitFor();
  await page.reload();
  await state(page, "open").waitFor();

  const before = house.fake?.requests.length ?? 0;
  await cards(page).getByRole("button", { name: "Approve" }).dblclick();
  await state(page, "executed").waitFor();
  expect(decisions(before), "two clicks send one decision").toHaveLength(1);
  await page.getByTestId("decided").getByText("Approved by Admin: Add V (Solo) to the party?").waitFor();
  await page.locator("[data-testid=notice][data-kind=receipt]").getByText("V was added to the party.").waitFor();
  await answered(page, 2);
  expect(await page.getByTestId("said").count(), "nobody typed the decision").toBe(1);
  expect(await cards(page).getByTestId("approval-told").textContent()).toContain("V was added to the party.");
  expect(await answers(page).last().getByRole("button", { name: "Ask again" }).count()).toBe(0);
  await visit.shot("approval-executed-light");
  expect(await barriers(page)).toEqual([]);
  await page.reload();
  await state(page, "executed").waitFor();
  await page.getByTestId("decided").waitFor();
  await page.locator("[data-kind=receipt]").waitFor();
  expect(await page.getByTestId("said").count()).toBe(1);
});

test("what was changed is taken back with one press, and a reload shows how it stands", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const { page } = visit;
  const offers = page.getByTestId("take-back");
  const added = async (name: string, count: number) => {
    await say(page, `Add ${name} to the party`);
    await page.locator("[data-testid=approval][data-state=open]").getByRole("button", { name: "Approve" }).click();
    await page.locator("[data-testid=notice][data-kind=receipt]").nth(count).waitFor();
    await offers.nth(count).waitFor();
  };
  await added("Rogue", 0);
  const press = offers.first().getByRole("button", { name: "Take back: Take Rogue out of the party again" });
  await visit.shot("undo-offered-phone");
  expect(await barriers(page)).toEqual([]);
  await press.focus();
  await page.keyboard.press("Enter");
  await page.locator("[data-testid=take-back][data-state=done]").getByText("Taken back:").waitFor();
  expect(await page.evaluate(() => document.activeElement?.getAttribute("data-testid"))).toBe("take-back-told");
  await page.reload();
  await page.locator("[data-testid=take-back][data-state=done]").waitFor();
  expect(await page.getByRole("button", { name: /^Take back/ }).count()).toBe(0);

  await added("Stubborn", 1);
  await offers
    .nth(1)
    .getByRole("button", { name: /^Take back/ })
    .click();
  await page
    .locator("[data-testid=take-back][data-state=refused]")
    .getByText("They are not in the party any more")
    .waitFor();
  await added("Shared", 2);
  await offers
    .nth(2)
    .getByRole("button", { name: /^Take back/ })
    .click();
  await page.locator("[data-testid=take-back][data-state=waits]").getByText("It waits for somebody's yes").waitFor();
  await visit.shot("undo-told-phone");
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  expect(await barriers(page)).toEqual([]);
  await added("Hasty", 3);
  await offers.nth(3).waitFor({ state: "detached" });
});

test("what could not be taken back says why, and is tried again with a press", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter(PHONE);
  const { page } = visit;
  await say(page, "Add Moody to the party");
  await page.locator("[data-testid=approval][data-state=open]").getByRole("button", { name: "Approve" }).click();
  await page.getByRole("button", { name: /^Take back/ }).click();
  const refused = page.locator("[data-testid=take-back][data-state=refused]");
  await refused.getByText("Could not ask the party: it did not answer.").waitFor();
  const again = refused.getByRole("button", { name: "Try again: Take Moody out of the party again" });
  await again.waitFor();
  await visit.shot("undo-failed-phone");
  expect(await barriers(page)).toEqual([]);
  await page.reload();
  await again.focus();
  await page.keyboard.press("Enter");
  await page.locator("[data-testid=take-back][data-state=done]").getByText("Taken back:").waitFor();
  expect(await page.evaluate(() => document.activeElement?.getAttribute("data-testid"))).toBe("take-back-told");
  expect(await page.getByRole("button", { name: /^(Take back|Try again)/ }).count()).toBe(0);
});

test("a press after the time is answered with a plain sentence", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter(PHONE);
  const { page } = visit;
  // A browser whose clock is behind offers what the house does not any more.
  await page.clock.install({ time: Date.now() - 3_600_000 });
  await page.reload();
  await say(page, "Add Hasty to the party");
  await page.locator("[data-testid=approval][data-state=open]").getByRole("button", { name: "Approve" }).click();
  const press = page.getByRole("button", { name: /^Take back/ });
  await press.waitFor();
  const offered = Date.now();
  await expect.poll(() => Date.now() - offered, { timeout: 5_000 }).toBeGreaterThan(1_600);
  await press.click();
  await page
    .locator("[data-testid=take-back][data-state=refused]")
    .getByText("Not taken back. The time in which this could be taken back is over.")
    .waitFor();
  await visit.shot("undo-late-phone");
  expect(await barriers(page)).toEqual([]);
  meant(visit);
});

test("a decision by keyboard: declined with a reason, and the focus stays with what came of it", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "Add Jackie to the party");
  await state(page, "open").waitFor();
  await answered(page);
  await cards(page).getByRole("button", { name: "Decline" }).press("Enter");
  const reason = cards(page).getByRole("textbox");
  await expect.poll(() => reason.evaluate((element) => element === document.activeElement)).toBe(true);
  await visit.shot("approval-decline-light");
  expect(await barriers(page)).toEqual([]);
  await reason.press("Escape");
  await expect
    .poll(() =>
      cards(page)
        .getByRole("button", { name: "Decline" })
        .evaluate((element) => element === document.activeElement),
    )
    .toBe(true);
  await page.keyboard.press("Enter");
  await page.keyboard.type("We are enough already");
  await page.keyboard.press("Enter");
  await state(page, "declined").waitFor();
  const told = cards(page).getByTestId("approval-told");
  expect(await told.textContent()).toContain("Declined by Admin. We are enough already");
  await expect.poll(() => told.evaluate((element) => element === document.activeElement)).toBe(true);
  await page.getByTestId("decided").getByText("Declined by Admin").waitFor();
  await answered(page, 2);
  expect(await page.locator("[data-kind=receipt]").count()).toBe(0);
});

test("a changed request is asked anew, and only the new one can be approved", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "Add V to the party");
  await state(page, "open").waitFor();
  await answered(page);
  await cards(page).getByRole("button", { name: "Change" }).click();
  await cards(page).getByRole("button", { name: "Show the changed request" }).click();
  await cards(page).getByText("Nothing was decided: nothing was changed.").waitFor();
  await cards(page).getByLabel("Level").fill("90");
  await visit.shot("approval-change-light");
  expect(await barriers(page)).toEqual([]);
  await cards(page).getByRole("button", { name: "Show the changed request" }).click();
  await cards(page).getByText("a level is at most 50").waitFor();
  meant(visit);
  await cards(page).getByLabel("Level").fill("9");
  await cards(page).getByLabel("Role").selectOption("Nomad");
  await cards(page).getByRole("button", { name: "Show the changed request" }).click();
  await state(page, "changed").waitFor();
  await state(page, "open").getByRole("heading", { name: "Add V (Nomad) to the party?" }).waitFor();
  expect(await cards(page).count()).toBe(2);
  await page.reload();
  await state(page, "changed").getByRole("button", { name: "New version" }).waitFor();
  await visit.shot("approval-changed-light");
  await state(page, "open").getByRole("button", { name: "Approve" }).click();
  await state(page, "executed").getByRole("heading", { name: "Add V (Nomad)" }).waitFor();
  await page.getByTestId("decided").getByText("Add V (Nomad)").waitFor();
});

test("a tool without a form is changed as JSON, and what is no JSON is said to be none", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "Rather rawly: add V to the party");
  await state(page, "open").waitFor();
  await answered(page);
  await cards(page).getByRole("button", { name: "Change" }).click();
  const text = cards(page).getByRole("textbox", { name: "Exactly what would be done" });
  await text.fill('{ "name": "V", }');
  await cards(page).getByRole("button", { name: "Show the changed request" }).click();
  await cards(page).getByText("This is not a JSON object.").waitFor();
  await visit.shot("approval-json-light");
  expect(await barriers(page)).toEqual([]);
  await text.fill('{ "name": "V", "role": "Nomad" }');
  await cards(page).getByRole("button", { name: "Show the changed request" }).click();
  await state(page, "open").getByRole("heading", { name: "Add V (Nomad) to the party?" }).waitFor();
});

test("one that nobody decides expires before one's eyes, and says that nothing was done", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "Quickly now, quickly: add Rogue to the party");
  await state(page, "open").waitFor();
  await state(page, "expired").waitFor();
  await cards(page).getByText("Nobody decided in time").waitFor();
  await page.getByTestId("decided").getByText("Nobody decided in time: Add Rogue (Solo) to the party?").waitFor();
  await page.reload();
  await state(page, "expired").waitFor();
  await page.getByTestId("decided").waitFor();
  // Nothing is answered to nobody's decision, and nothing is waited for.
  expect(await answers(page).count()).toBe(1);
  expect(await cards(page).getByRole("button", { name: "Approve" }).count()).toBe(0);
  expect(
    await cards(page)
      .getByRole("heading")
      .evaluate((element) => getComputedStyle(element).textDecorationLine),
  ).toBe("line-through");
  await visit.shot("approval-expired-light");
  expect(await barriers(page)).toEqual([]);
});

test("what failed, and what nobody knows of, is not called done", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  for (const [name, ended, words] of [
    ["Badly badly", "failed", "did not work"],
    ["V somehow", "uncertain", "Please check"],
  ] as const) {
    await page.getByTestId("new-conversation").click();
    await say(page, `Add ${name} to the party`);
    await state(page, "open").getByRole("button", { name: "Approve" }).click();
    await state(page, ended).getByText(words).waitFor();
    await answered(page, 2);
    expect(await page.locator("[data-kind=receipt]").count()).toBe(0);
    await visit.shot(`approval-${ended}-light`);
  }
  expect(await barriers(page)).toEqual([]);
});

test("a correction stands in the message whose claim it takes back", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "Claim it");
  await answered(page);
  await answers(page).last().locator("[data-kind=correction]").getByText("This has not happened").waitFor();
  await visit.shot("correction-light");
  expect(await barriers(page)).toEqual([]);
});

test("a second tab that decided first is shown here, not fought", async ({ skip }) => {
  const { fake } = house;
  if (!fake) return skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "Add V to the party");
  await state(page, "open").waitFor();
  await answered(page);
  // This tab hears nothing of the other one, as after a nap.
  await page.route("**/events", (route) => route.abort());
  await page.reload();
  await state(page, "open").waitFor();
  const other = await visit.context.newPage();
  await other.goto(page.url());
  await state(other, "open").getByRole("button", { name: "Decline" }).click();
  await other.getByRole("form", { name: "Decline" }).getByRole("button", { name: "Decline" }).click();
  await state(other, "declined").waitFor();
  await cards(page).getByRole("button", { name: "Approve" }).click();
  await state(page, "declined").waitFor();
  await cards(page).getByText("Your decision came too late: this was declined already.").waitFor();
  await answers(other).last().getByText("V was not added.").waitFor();
  expect(await answers(other).last().getByTestId("figures").count(), "no model was asked").toBe(0);
  expect(await page.locator("[data-kind=receipt]").count()).toBe(0);
  await visit.shot("approval-late-light");
  meant(visit);
});

test("why it is asked is a warning, and a card that was cut is read whole before a yes", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "At last, influenced by a film and told at length, add V to the party");
  await state(page, "open").waitFor();
  await answered(page);
  await page.getByTestId("approval-reason").getByText("influenced by: tmdb").waitFor();
  const approve = cards(page).getByRole("button", { name: "Approve" });
  expect(await approve.isDisabled()).toBe(true);
  await visit.shot("approval-cut-light");
  expect(await barriers(page)).toEqual([]);
  await cards(page).getByRole("button", { name: "Details" }).click();
  await page.getByTestId("approval-details").waitFor();
  expect(await approve.isDisabled()).toBe(false);
});

test("a card that tells nothing of the arguments has them open from the start", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "I can barely ask: add V to the party");
  await state(page, "open").waitFor();
  await answered(page);
  await page.getByTestId("approval-details").getByText('"level": 7').waitFor();
  expect(await cards(page).getByRole("button", { name: "Approve" }).isEnabled()).toBe(true);
  await visit.shot("approval-bare-light");
});

test("a name that turns the text around is shown with what it hides", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "Add V\u202e\u200b gnik to the party");
  await state(page, "open").waitFor();
  const heading = cards(page).getByRole("heading");
  expect(await heading.textContent()).toBe("Add VU+202EU+200B gnik (Solo) to the party?");
  expect(await heading.locator("bdi").count()).toBe(1);
  expect(await page.getByTestId("conversation").first().textContent()).toContain("Add VU+202EU+200B gnik");
  expect(await page.getByTestId("work").textContent()).toContain("Adding VU+202EU+200B gnik to the party");
  await answered(page);
  await visit.shot("approval-hidden-light");
});

test("a link opens only where somebody pointed, and not before the answer is finished", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "Show links, also to pages.example");
  await page.locator("[data-testid=answer][data-state=running] .prose").getByText("you named").waitFor();
  expect(await page.locator(".prose a").count()).toBe(0);
  await answered(page);
  await page.locator(".prose a").first().waitFor();
  const hrefs = await page.locator(".prose a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  expect(hrefs).toEqual(["https://www.themoviedb.org/movie/961", "https://pages.example/a"]);
  const unopened = page.getByTestId("unopened");
  expect(await unopened.allTextContents()).toEqual([
    "another (https://evil.example/?d=secret)",
    "https://evil.example/secret",
    "disguise (https://www.themoviedb.org@evil.example/)",
  ]);
  expect(await unopened.first().getAttribute("title")).toContain("named this site");
  await visit.shot("links-light");
  expect(await barriers(page)).toEqual([]);
});

test("approvals that cannot be loaded say so and are asked for again", async ({ skip }) => {
  const { fake } = house;
  if (!fake) return skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "Add V to the party");
  await state(page, "open").waitFor();
  await answered(page);
  fake.setApprovalsDown(true);
  await page.reload();
  await page.getByText("What was asked here could not be loaded.").waitFor();
  fake.setApprovalsDown(false);
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await state(page, "open").waitFor();
  meant(visit);
});

test("a phone and a dark room have the whole card", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter({ ...PHONE, colorScheme: "dark" });
  const { page } = visit;
  await say(page, "Influenced by a film, add V to the party");
  await state(page, "open").waitFor();
  await answered(page);
  await visit.shot("phone-approval-open-dark");
  expect(await fits(page)).toBe(true);
  expect(await barriers(page)).toEqual([]);
  await cards(page).getByRole("button", { name: "Change" }).click();
  await visit.shot("phone-approval-change-dark");
  expect(await fits(page)).toBe(true);
  await cards(page).getByRole("button", { name: "Back" }).click();
  await cards(page).getByRole("button", { name: "Approve" }).click();
  await state(page, "executed").waitFor();
  await answered(page, 2);
  await visit.shot("phone-approval-executed-dark");
  expect(await fits(page)).toBe(true);
  expect(await barriers(page)).toEqual([]);
  await field(page).waitFor();
});

test("a child asks, a member sees it in the inbox and approves, the child reads the receipt", async ({ skip }) => {
  const { fake } = house;
  if (!fake) return skip();
  const child = await enter({}, fake.codes.child);
  const parent = await enter(PHONE, fake.codes.member);
  await say(child.page, "Add Judy to the party");
  await state(child.page, "open").getByText("A member or an admin decides.").waitFor();
  await answered(child.page);
  expect(await cards(child.page).getByRole("button", { name: "Approve" }).count()).toBe(0);
  await child.shot("approval-waits-light");
  // Nothing tells the parent's page but its own asking.
  await parent.page.getByTestId("dot").waitFor();
  await parent.page.getByRole("button", { name: /1 request waits for you/ }).click();
  await parent.page.getByRole("dialog").getByTestId("badge").waitFor();
  await parent.page
    .getByRole("dialog")
    .getByRole("link", { name: /^Approvals/ })
    .click();
  await state(parent.page, "open").getByRole("heading", { name: "Add Judy (Solo) to the party?" }).waitFor();
  await cards(parent.page).getByText("Asked by Kid").waitFor();
  await parent.shot("phone-inbox-light");
  expect(await fits(parent.page)).toBe(true);
  expect(await barriers(parent.page)).toEqual([]);
  await cards(parent.page).getByRole("button", { name: "Approve" }).click();
  await state(parent.page, "executed").getByText("Judy was added to the party.").waitFor();
  await parent.page.getByTestId("dot").waitFor({ state: "detached" });
  await child.page.locator("[data-kind=receipt]").getByText("Judy was added to the party.").waitFor();
  await state(child.page, "executed").getByText("Approved by Guest.").waitFor();
});

test("the inbox shows what is open or everything, and has a face when there is nothing or no answer", async ({
  skip,
}) => {
  const { fake } = house;
  if (!fake) return skip();
  const child = await enter({}, fake.codes.child);
  await say(child.page, "Influenced by a film, add Panam to the party");
  await state(child.page, "open").waitFor();
  const visit = await enter({}, fake.codes.member);
  const { page } = visit;
  await page.getByRole("link", { name: /^Approvals/ }).click();
  await cards(page).first().waitFor();
  await visit.shot("inbox-light");
  expect(await barriers(page)).toEqual([]);
  for (const approval of await state(page, "open").all()) {
    await approval.getByRole("button", { name: "Decline" }).click();
    await approval.getByRole("textbox").press("Enter");
    await expect.poll(() => approval.count()).toBeLessThan(2);
  }
  await expect.poll(() => state(page, "open").count()).toBe(0);
  // What one decided stays in sight until one comes again.
  await state(page, "declined").first().waitFor();
  await page.reload();
  await page.getByText("Nothing waits for a decision.").waitFor();
  await visit.shot("inbox-empty-light");
  await page.getByRole("radio", { name: "All" }).click();
  await state(page, "declined").first().waitFor();
  fake.setApprovalsDown(true);
  await page.reload();
  await page.getByText("The approvals could not be loaded.").waitFor({ timeout: 20_000 });
  await visit.shot("inbox-failed-light");
  fake.setApprovalsDown(false);
  await page.getByRole("alert").getByRole("button", { name: "Try again" }).click();
  await page.getByText("Nothing waits for a decision.").waitFor();
  meant(visit);
  meant(child);
});

test("an admin changes a person and unlinks an account; nobody else sees the page", async ({ skip }) => {
  const { fake } = house;
  if (!fake) return skip();
  const visit = await enter();
  const { page } = visit;
  await page.goto(`${house.url}/#/people`);
  await page.getByRole("button", { name: "Edit: Kid" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("80351110224670000").waitFor();
  await visit.shot("person-light");
  expect(await barriers(page)).toEqual([]);
  await dialog.getByRole("button", { name: /^Unlink: Discord/ }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Unlink" }).click();
  await dialog.getByText("No other account is linked.").waitFor();
  await dialog.getByLabel("Name").fill("Kiddo");
  await dialog.getByLabel("Standing").selectOption("member");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("row", { name: /Kiddo/ }).getByRole("cell", { name: "Member" }).waitFor();
  // The last admin stays one, and is told why.
  await page.getByRole("button", { name: "Edit: Admin" }).click();
  await dialog.getByLabel("Standing").selectOption("guest");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByRole("alert").getByText("Not saved: somebody has to stay an admin.").waitFor();
  meant(visit);

  const member = await enter({}, fake.codes.member);
  await member.page.goto(`${house.url}/#/house`);
  await member.page.getByRole("heading", { name: "Health" }).waitFor();
  const tabs = member.page.getByRole("navigation", { name: "About the house" });
  expect(await tabs.getByRole("link").allTextContents()).toEqual(["Approvals", "You", "House"]);
  await member.page.goto(`${house.url}/#/people`);
  await member.page.getByText("Only an admin sees who may talk to the house.").waitFor();
  meant(member);
});

test("the audit is filtered by kind and goes back as far as it is asked to", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await page.goto(`${house.url}/#/audit`);
  const entries = page.getByTestId("entry");
  await entries.first().waitFor();
  await visit.shot("audit-light");
  expect(await barriers(page)).toEqual([]);
  expect(await entries.count()).toBe(50);
  await page.getByRole("button", { name: "Show older" }).click();
  await expect.poll(() => entries.count()).toBeGreaterThan(50);
  await page.getByRole("combobox", { name: "Show" }).selectOption("foreign_link");
  await expect
    .poll(async () => [...new Set(await entries.locator("td:nth-child(3)").allTextContents())])
    .toEqual(["Unknown link"]);
  await page.getByRole("combobox", { name: "Show" }).selectOption("secret");
  await page.getByText("Nothing of this kind has happened.").waitFor();
});

test("one sees what is remembered, takes a fact back, and links another channel", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await page.getByTestId("person-menu").click();
  await page.getByRole("menuitem", { name: "You" }).click();
  await page.getByTestId("fact").first().waitFor();
  await page.getByText("80351110224678912").waitFor();
  const facts = await page.getByTestId("fact").count();
  await page.getByRole("button", { name: "Link another channel" }).click();
  await page
    .getByTestId("link-code")
    .getByText(/^link [0-9A-F]{8}$/)
    .waitFor();
  await page
    .getByTestId("link-code")
    .getByText(/for another (10|9) min/)
    .waitFor();
  await visit.shot("you-light");
  expect(await barriers(page)).toEqual([]);
  await page.getByRole("button", { name: /^Forget: Is home late/ }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Forget" }).click();
  await expect.poll(() => page.getByTestId("fact").count()).toBe(facts - 1);
});

test("forgetting oneself takes one's own name, typed", async ({ skip }) => {
  const { fake } = house;
  if (!fake) return skip();
  const visit = await enter({}, fake.codes.member);
  const { page } = visit;
  await say(page, "Hello, soon forgotten");
  await answered(page);
  await page.goto(`${house.url}/#/you`);
  await page.getByRole("button", { name: "Forget me…" }).click();
  const yes = page.getByRole("dialog").getByRole("button", { name: "Forget me" });
  await page.getByRole("dialog").getByRole("textbox").fill("guest");
  expect(await yes.isDisabled()).toBe(true);
  await page.getByRole("dialog").getByRole("textbox").fill("Guest");
  await visit.shot("forget-light");
  expect(await barriers(page)).toEqual([]);
  await yes.click();
  await page.getByTestId("forgotten").getByText("conversations: 1").waitFor();
  await page.getByTestId("conversation").waitFor({ state: "detached" });
});

test("stop everything ends what runs and says how much that was", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter();
  const { page } = visit;
  await say(page, "Tell me something long");
  await page.locator("[data-testid=answer][data-state=running]").waitFor();
  await page.getByTestId("person-menu").click();
  await visit.shot("menu-light");
  await page.getByRole("menuitem", { name: "Stop everything" }).click();
  await page.getByRole("status").getByText("1 answer was stopped.").waitFor();
  await page.locator("[data-kind=cancelled]").waitFor();
  await page.getByTestId("person-menu").click();
  await page.getByRole("menuitem", { name: "Stop everybody's answers" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Stop them" }).click();
  await page.getByRole("status").getByText("Nothing was running or waiting").waitFor();
});

test("on a phone, in the dark, every page about the house fits", async ({ skip }) => {
  if (!house.fake) skip();
  const visit = await enter({ ...PHONE, colorScheme: "dark" });
  const { page } = visit;
  for (const [name, seen] of [
    ["approvals", page.getByRole("radio", { name: "Open" })],
    ["you", page.getByTestId("fact").first()],
    ["people", page.getByRole("cell", { name: "Guest" }).first()],
    ["audit", page.getByTestId("entry").first()],
  ] as const) {
    await page.goto(`${house.url}/#/${name}`);
    await seen.waitFor();
    await page.waitForTimeout(200);
    await visit.shot(`phone-${name}-dark`);
    expect(await fits(page)).toBe(true);
    expect(await barriers(page)).toEqual([]);
  }
});
