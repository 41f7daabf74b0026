/**
 * A household uses the page. Runs against the service named by MAJORDOMO_URL and MAJORDOMO_CODE, and against the page's
 * own test server otherwise. What the browser complains about, and any request to elsewhere, fails the walk.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type House, openHouse, type Visit } from "./house";
import { answered, answers, barriers, entries, field, say } from "./steps";

let house: House;
let visit: Visit | undefined;

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());
afterEach(async ({ task }) => {
  const { complaints = [], context } = visit ?? {};
  if (task.result?.state === "fail") await visit?.shot(`failed-${task.name.replaceAll(/\W+/g, "-")}`);
  await context?.close();
  visit = undefined;
  expect(complaints).toEqual([]);
});

const QUESTION = "What's trending this week, and is any of it good for kids?";
/** Whether what an element draws ends at its own edge, upwards and downwards. */
const clips = (element: Element) => ["hidden", "clip"].includes(getComputedStyle(element).overflowY);

/** Something every model answers at length. */
const LONG = house_text();

function house_text() {
  return process.env.MAJORDOMO_URL ? QUESTION : "Tell me something long";
}

test("a wrong code is refused in plain words, the right one opens and leaves the address", async () => {
  visit = await house.arrive();
  const { page } = visit;
  await page.goto(`${house.url}/`);
  await page.getByLabel("One-time code").waitFor();
  await visit.shot("sign-in");
  expect(await barriers(page)).toEqual([]);
  await page.getByLabel("One-time code").fill("WRONG");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("not valid any more").waitFor();
  // The browser itself reports refused requests; these two were meant.
  visit.complaints.length = 0;
  if (house.fake) {
    await page.goto(`${house.url}/#code=${house.code}`);
    await page.reload();
    await field(page).waitFor();
    expect(page.url()).not.toContain("code");
    visit.complaints.length = 0;
  }
});

test("a suggestion starts a conversation whose answer streams in under its timeline and cards", async () => {
  visit = await house.enter();
  const { page } = visit;
  await visit.shot("empty-light");
  expect(await barriers(page)).toEqual([]);
  await page.getByTestId("suggestion").first().click();
  await page.getByTestId("said").first().waitFor();
  await page.getByTestId("work").first().waitFor({ timeout: 30_000 });
  await visit.shot("working-light");
  // Token by token: some text is there before the turn is over.
  await page.locator("[data-testid=answer][data-state=running] .prose").first().waitFor({ timeout: 30_000 });
  await visit.shot("writing-light");
  await answered(page);
  await page.getByTestId("figures").last().waitFor();
  await visit.shot("answer-light");
  expect(page.url()).toMatch(/#\/c\/.+/);
  expect(await entries(page).first().textContent()).toContain("trending");
  expect(await barriers(page)).toEqual([]);
  expect(await page.getByTestId("announcer").textContent()).toContain("Majordomo answered");
});

test("a card opens with its facts and closes with Escape", async () => {
  visit = await house.enter();
  const { page } = visit;
  await page.getByTestId("suggestion").first().click();
  await answered(page);
  await page.getByTestId("card").first().click();
  await page.getByRole("dialog").waitFor();
  await visit.shot("card-light");
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("stop ends the answer with a marker that a reload still shows", async () => {
  visit = await house.enter();
  const { page } = visit;
  await say(page, LONG);
  await page.locator("[data-testid=answer][data-state=running]").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.locator("[data-testid=notice][data-kind=cancelled]").waitFor({ timeout: 5_000 });
  await visit.shot("stopped-light");
  await page.reload();
  await page.locator("[data-testid=notice][data-kind=cancelled]").waitFor();
  expect(await page.getByTestId("waiting").count()).toBe(0);
});

test("a reload in the middle of a turn shows the same turn and its end", async () => {
  visit = await house.enter();
  const { page } = visit;
  await say(page, LONG);
  await page.locator("[data-testid=answer][data-state=running]").waitFor();
  await page.reload();
  await answers(page).first().waitFor();
  await answered(page);
  const live = await answers(page).first().textContent();
  await page.reload();
  await answered(page);
  await page.getByTestId("figures").last().waitFor();
  expect(await answers(page).first().textContent()).toBe(live);
  expect(await page.getByTestId("said").count()).toBe(1);
});

test("switching away during a turn and back shows the answer without a reload", async () => {
  visit = await house.enter();
  const { page } = visit;
  await say(page, LONG);
  await page.locator("[data-testid=answer][data-state=running]").waitFor();
  const own = page.url();
  await page.getByTestId("new-conversation").click();
  await page.getByTestId("answer").waitFor({ state: "detached" });
  await page.waitForURL(/#\/$/);
  await page.goBack();
  expect(page.url()).toBe(own);
  await answered(page);
});

test("a second message waits its turn and is answered after the first", async () => {
  visit = await house.enter();
  const { page } = visit;
  await say(page, LONG);
  await page.locator("[data-testid=answer][data-state=running]").waitFor();
  // The field keeps the focus while the conversation gets its address.
  await page.waitForURL(/#\/c\//);
  expect(await field(page).evaluate((element) => element === document.activeElement)).toBe(true);
  await say(page, "And hello again");
  await page.locator("[data-testid=said][data-state=queued]").waitFor();
  await visit.shot("queued-light");
  await answered(page, 2);
  expect(await page.getByTestId("said").count()).toBe(2);
  expect(await page.locator("[data-testid=said][data-state=queued]").count()).toBe(0);
});

test("with streaming off the answer appears as one block", async () => {
  visit = await house.enter();
  const { page } = visit;
  await page.getByRole("button", { name: /^Model:/ }).click();
  await page.getByRole("switch").click();
  await visit.shot("models-light");
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await say(page, LONG);
  await page.locator("[data-testid=answer][data-state=running]").waitFor();
  await page.getByTestId("waiting").getByText("Writing").waitFor({ timeout: 30_000 });
  await page.getByTestId("seconds").waitFor();
  expect(await page.locator("[data-testid=answer][data-state=running] .prose").count()).toBe(0);
  await answered(page);
  expect(await page.locator("[data-testid=answer] .prose").count()).toBeGreaterThan(0);
});

test("renaming and deleting from the sidebar reach the service", async () => {
  visit = await house.enter();
  const { page, context } = visit;
  await say(page, "Hello there");
  await answered(page);
  const id = decodeURIComponent(page.url().split("/c/")[1] ?? "");
  const ask = async () =>
    (await context.request.get(`${house.url}/api/conversations/${id}`)) as unknown as {
      status(): number;
      json(): Promise<{ title: string }>;
    };
  await entries(page).first().hover();
  await entries(page)
    .first()
    .getByRole("button", { name: /^Actions/ })
    .click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await page.getByLabel("New title").fill("Film evening");
  await page.getByLabel("New title").press("Enter");
  await entries(page).getByText("Film evening").waitFor();
  expect((await (await ask()).json()).title).toBe("Film evening");

  await entries(page).first().hover();
  await entries(page)
    .first()
    .getByRole("button", { name: /^Actions/ })
    .click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("alertdialog").waitFor();
  await visit.shot("delete-light");
  expect(await barriers(page)).toEqual([]);
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await entries(page).getByText("Film evening").waitFor({ state: "detached" });
  expect((await ask()).status()).toBe(404);
  await page.getByTestId("suggestion").first().waitFor();
});

test("clearing empties the conversation and keeps it", async () => {
  visit = await house.enter();
  const { page } = visit;
  await say(page, "Hello, to be cleared");
  await answered(page);
  const count = await entries(page).count();
  await page.getByRole("button", { name: "Conversation menu" }).click();
  await page.getByRole("menuitem", { name: "Clear messages" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Clear" }).click();
  await page.getByTestId("said").waitFor({ state: "detached" });
  expect(await entries(page).count()).toBe(count);
  await say(page, "Hello once more");
  await answered(page);
});

test("the last conversation is open again on the next visit", async () => {
  visit = await house.enter();
  const { page } = visit;
  await say(page, "Hello, remember me");
  await answered(page);
  await page.goto("about:blank");
  visit.complaints.length = 0;
  await page.goto(`${house.url}/`);
  await page.getByTestId("said").getByText("remember me").waitFor();
});

test("details tell id, messages, tokens and money", async () => {
  visit = await house.enter();
  const { page } = visit;
  await say(page, "Hello, in detail");
  await answered(page);
  await page.getByRole("button", { name: "Conversation menu" }).click();
  await page.getByRole("menuitem", { name: "Details" }).click();
  await page.getByRole("dialog").getByText("Tokens read").waitFor();
  await visit.shot("details-light");
  expect(await page.getByRole("dialog").locator("code").textContent()).toBe(
    decodeURIComponent(page.url().split("/c/")[1] ?? ""),
  );
});

test("search finds a conversation by its title, from the keyboard alone", async () => {
  visit = await house.enter();
  const { page } = visit;
  await say(page, "Zeppelins over the harbour");
  await answered(page);
  await page.getByTestId("new-conversation").click();
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder("Search titles, or choose an action").fill("zeppelins");
  await page
    .getByRole("option", { name: /Zeppelins/ })
    .first()
    .waitFor();
  await visit.shot("search-light");
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press("Enter");
  await page.getByTestId("said").getByText("Zeppelins").waitFor();
});

test("a picture is attached, sent and shown", async () => {
  visit = await house.enter();
  const { page } = visit;
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Attach pictures or files" }).click();
  const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  await (await chooser).setFiles([{ name: "stain.png", mimeType: "image/png", buffer: Buffer.from(pixel, "base64") }]);
  await page.getByRole("button", { name: "Remove stain.png" }).waitFor();
  await visit.shot("attached-light");
  await say(page, "What is this stain?");
  await answered(page);
  await page.reload();
  await page.getByTestId("said").locator("img").waitFor();
});

test("a phone has a drawer, room for the words and nothing cut off", async () => {
  visit = await house.enter({
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
  });
  const { page } = visit;
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth && innerWidth <= 390);
  await visit.shot("phone-empty-light");
  expect(await fits()).toBe(true);
  await page.getByTestId("suggestion").first().click();
  await answered(page);
  await visit.shot("phone-answer-light");
  expect(await fits()).toBe(true);
  expect(await barriers(page)).toEqual([]);
  const send = await page.getByRole("button", { name: "Send" }).boundingBox();
  expect((send?.y ?? 1000) + (send?.height ?? 0)).toBeLessThanOrEqual(844);
  await page.getByRole("button", { name: "Open the list of conversations" }).click();
  await page.getByRole("dialog").getByTestId("conversation").first().waitFor();
  await page.waitForTimeout(300);
  await visit.shot("phone-drawer-light");
  expect(await barriers(page)).toEqual([]);
  await page.getByRole("link", { name: "House", exact: true }).click();
  await page.getByRole("heading", { name: "Health" }).waitFor();
  await page.getByRole("heading", { name: "API keys" }).waitFor();
  await visit.shot("phone-house-light");
  expect(await fits()).toBe(true);
});

test("a phone in a dark room", async () => {
  visit = await house.enter({
    viewport: { width: 360, height: 780 },
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
    colorScheme: "dark",
  });
  const { page } = visit;
  await visit.shot("phone-empty-dark");
  await page.getByTestId("suggestion").first().click();
  await page.getByTestId("work").first().waitFor({ timeout: 30_000 });
  await visit.shot("phone-working-dark");
  await answered(page);
  await visit.shot("phone-answer-dark");
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth && innerWidth <= 360)).toBe(true);
  expect(await barriers(page)).toEqual([]);
});

test("dark follows the system and can be chosen", async () => {
  visit = await house.enter({ colorScheme: "dark" });
  const { page } = visit;
  const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await paper();
  await page.getByTestId("suggestion").first().click();
  await answered(page);
  await visit.shot("answer-dark");
  expect(await barriers(page)).toEqual([]);
  await page.getByTestId("person-menu").click();
  await visit.shot("menu-dark");
  await page.getByRole("menuitemradio", { name: "Light" }).click();
  const light = await paper();
  expect(light).not.toBe(dark);
  await page.reload();
  await field(page).waitFor();
  expect(await paper()).toBe(light);
});

test("the house tells its health, usage, models and keys", async () => {
  visit = await house.enter();
  const { page } = visit;
  await page.getByRole("link", { name: "House", exact: true }).click();
  for (const name of ["Health", "Usage", "Models", "API keys", "Webhooks"]) {
    await page.getByRole("heading", { name, exact: true }).waitFor();
  }
  await page.waitForTimeout(300);
  await visit.shot("house-light");
  expect(await barriers(page)).toEqual([]);
  await page.getByLabel("What it is for").fill("a script");
  await page.getByRole("button", { name: "Create a key" }).click();
  await page.getByRole("dialog").getByText("mdk_").waitFor();
});

test("an admin makes the address of a webhook, makes it anew and voids it", async () => {
  visit = await house.enter();
  const { page } = visit;
  await page.goto(`${house.url}/#/house`);
  const dialog = page.getByRole("dialog");
  const shown = async () => {
    const text = await dialog.locator("code").textContent();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    return text;
  };
  await page.getByRole("button", { name: "New address: plex" }).click();
  const first = await shown();
  expect(first).toContain("/hooks/plex/");
  await page.getByRole("button", { name: "New address: plex" }).click();
  await page.getByRole("button", { name: "Make a new one" }).click();
  await dialog.locator("code").waitFor();
  expect(await shown()).not.toBe(first);
  expect(await page.content()).not.toContain("/hooks/plex/");
  await page.getByRole("button", { name: "Make void: plex" }).click();
  await page.getByRole("button", { name: "Make it void" }).click();
  await page.getByRole("button", { name: "Make void: plex" }).waitFor({ state: "detached" });
  expect(await barriers(page)).toEqual([]);
});

test("an admin adds a person and hands out a sign-in link", async () => {
  visit = await house.enter();
  const { page } = visit;
  await page.goto(`${house.url}/#/people`);
  await page.getByLabel("Their name").fill("Katherine");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("cell", { name: "Katherine", exact: true }).first().waitFor();
  await visit.shot("people-light");
  expect(await barriers(page)).toEqual([]);
  await page
    .getByRole("row", { name: /Katherine/ })
    .first()
    .getByRole("button", { name: "Sign-in link" })
    .click();
  await page.getByRole("dialog").getByText("#code=").waitFor();
  await visit.shot("link-light");
});

test("approvals, oneself and the audit have their pages, and everything can be stopped", async () => {
  visit = await house.enter();
  const { page } = visit;
  const tabs = page.getByRole("navigation", { name: "About the house" });
  await page.getByRole("link", { name: /^Approvals/ }).click();
  await page.getByRole("radio", { name: "All" }).click();
  await page.getByText("Nothing has been asked yet.").or(page.getByTestId("approval").first()).waitFor();
  await tabs.getByRole("link", { name: "You" }).click();
  await page.getByText("Nothing is remembered.").or(page.getByTestId("fact").first()).waitFor();
  await page.getByRole("button", { name: "Link another channel" }).click();
  await page
    .getByTestId("link-code")
    .getByText(/^link \S+$/)
    .waitFor();
  await tabs.getByRole("link", { name: "People" }).click();
  await page
    .getByRole("button", { name: /^Edit: / })
    .first()
    .click();
  const accounts = page.getByRole("dialog").getByRole("button", { name: /^Unlink/ });
  await page.getByText("No other account is linked.").or(accounts.first()).waitFor();
  await page.keyboard.press("Escape");
  await tabs.getByRole("link", { name: "Audit" }).click();
  await page.getByText("Nothing of this kind has happened.").or(page.getByTestId("entry").first()).waitFor();
  await page.getByTestId("person-menu").click();
  await page.getByRole("menuitem", { name: "Stop everything" }).click();
  await page.getByRole("status").getByText("nothing was stopped").waitFor();
});

test("the demo says what it is and how to leave it", async () => {
  visit = await house.enter();
  const { page } = visit;
  const how = page.getByRole("button", { name: "Connect the real ones" });
  if ((await how.count()) === 0) return;
  await how.click();
  await page.getByRole("dialog").getByText("majordomo.toml").first().waitFor();
  await visit.shot("demo-light");
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Hide for now" }).click();
  expect(await how.count()).toBe(0);
  await page.reload();
  await field(page).waitFor();
  expect(await how.count(), "hidden as long as this tab is open").toBe(0);
  const next = await visit.context.newPage();
  await next.goto(`${house.url}/`);
  await next.getByRole("button", { name: "Connect the real ones" }).waitFor();
});

test("marks heaped on one letter stay inside their line", async () => {
  visit = await house.enter();
  const { page } = visit;
  const heap = `Heap e${"\u0301".repeat(10_000)} end`;
  const began = Date.now();
  await say(page, heap);
  await page.getByTestId("said").getByText("Heap").waitFor();
  await answered(page);
  expect(Date.now() - began, "the page stays quick").toBeLessThan(30_000);
  // Nothing is taken from what was said; only what is drawn ends at the edge.
  expect(((await page.getByTestId("said").textContent()) ?? "").length).toBeGreaterThan(10_000);
  const drawn = await page.getByTestId("said").locator("> div").first().evaluate(clips);
  expect(drawn).toBe(true);
  expect(await page.getByRole("heading", { name: /^Heap/ }).evaluate(clips)).toBe(true);
  expect(await entries(page).first().locator("a > span").first().evaluate(clips)).toBe(true);
  await visit.shot("marks");
});

test("an answer's notices are drawn apart, and a failed one can be asked again", async ({ skip }) => {
  if (!house.fake) skip();
  visit = await house.enter();
  const { page } = visit;
  await say(page, "fallback, partial and slow");
  await answered(page);
  for (const kind of ["fallback", "partial", "timed_out"]) await page.locator(`[data-kind=${kind}]`).waitFor();
  await say(page, "please fail");
  await answered(page, 2);
  await visit.shot("notices-light");
  expect(await barriers(page)).toEqual([]);
  await page.getByRole("button", { name: "Try again" }).click();
  await answered(page, 3);
  expect(await page.getByTestId("said").last().textContent()).toBe("please fail");
});

test("Markdown shows code to copy and never fetches a foreign picture", async ({ skip }) => {
  if (!house.fake) skip();
  visit = await house.enter();
  const { page } = visit;
  await say(page, "Show me the radarr code");
  await answered(page);
  await page.getByRole("button", { name: "Copy code" }).waitFor();
  expect(await page.locator(".prose img").count()).toBe(0);
  // Nobody named that site, so its address is there to read and not to click.
  await page.getByTestId("unopened").getByText("https://example.com/poster.png").last().waitFor();
  expect(await page.locator(".prose a").count()).toBe(0);
  await visit.shot("code-light");
});

test("without the service the page says so, keeps what was written, and recovers", async ({ skip }) => {
  const { fake } = house;
  if (!fake) return skip();
  visit = await house.enter();
  const { page } = visit;
  await say(page, "Hello before the storm");
  await answered(page);
  fake.setDown(true);
  await page.getByText("No connection").first().waitFor();
  await say(page, "Hello in the storm");
  await page.locator("[data-testid=said][data-state=refused]").waitFor();
  await visit.shot("offline-light");
  fake.setDown(false);
  await page.getByRole("button", { name: "Try again" }).click();
  await answered(page, 2);
  expect(await page.getByTestId("said").count()).toBe(2);
  // Refused requests are reported by the browser itself.
  visit.complaints.length = 0;
});

test("the model picker has a list of its own when the catalogue is unreachable", async ({ skip }) => {
  const { fake } = house;
  if (!fake) return skip();
  fake.setCatalogueDown(true);
  visit = await house.enter();
  const { page } = visit;
  await page.getByRole("button", { name: /^Model:/ }).click();
  await page.getByText("built-in list").waitFor();
  expect(await page.getByRole("option").count()).toBeGreaterThan(3);
  fake.setCatalogueDown(false);
  visit.complaints.length = 0;
});

test("a change asks first, is done once and told from what happened, on a phone, too", async () => {
  visit = await house.enter({
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
  });
  const { page } = visit;
  const state = (wanted: string) => page.locator(`[data-testid=approval][data-state=${wanted}]`);
  await say(page, house.fake ? "Add V to the party" : "Add V to my party, he's a Solo");
  await state("open").first().waitFor();
  await answered(page);
  await visit.shot("asks-first-phone");
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  const card = page.getByTestId("approval");
  await card.getByRole("heading", { name: "Add V (Solo) to the party?" }).waitFor();
  await card.getByRole("button", { name: "Approve" }).click();
  await state("executed").waitFor();
  await page.locator("[data-testid=notice][data-kind=receipt]").getByText("added to the party.").waitFor();
  await answered(page, 2);
  await visit.shot("asked-and-done-phone");
  await page.reload();
  await state("executed").waitFor();
  expect(await barriers(page)).toEqual([]);
});
