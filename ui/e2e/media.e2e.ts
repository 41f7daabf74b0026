/**
 * Somebody looks after films and series: what was asked for, the news of it, the library, and whose taste is what. Walks through the
 * page's own test server, at desktop width and on a phone.
 */

import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { startFake } from "./fake";
import { type House, openHouse, type Visit } from "./house";
import { answered, barriers, entries, field, say } from "./steps";

let house: House;
let visits: Visit[] = [];

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());
beforeEach(({ skip }) => {
  if (!house.fake) skip();
});
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

function fake(): Awaited<ReturnType<typeof startFake>> {
  if (!house.fake) throw new Error("this walk is for the page's own test server");
  return house.fake;
}

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const DARK = { ...PHONE, colorScheme: "dark" as const };
const fits = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
const rows = (page: Page) => page.getByTestId("request");
const part = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
const place = (page: Page, path: string) => page.locator(`[data-path="${path}"]`);
const open = async (page: Page, name: string) => {
  await page.goto(`${house.url}/#/${name}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
};
/** Requests of that kind since a moment. */
const since = (moment: number, request: string) =>
  fake()
    .requests.slice(moment)
    .filter((one) => one === request).length;

test("what was asked for stands in a list with honest words, and can be narrowed", async () => {
  const visit = await enter();
  const { page } = visit;
  await page.getByRole("link", { name: "Requests", exact: true }).click();
  await rows(page).first().waitFor();
  expect(await rows(page).evaluateAll((all) => all.map((one) => one.getAttribute("data-state")))).toEqual([
    "downloading",
    "asked",
    "downloaded",
    "partly",
    "wanted",
  ]);
  const first = rows(page).first();
  await first.getByText("On its way").waitFor();
  await first.getByText("Asked by Guest").waitFor();
  await first.getByText("42 %").waitFor();
  await first.getByText("about 12 minutes are left").waitFor();
  expect(await first.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("42");
  await rows(page).nth(3).getByText("3 of 10 episodes").waitFor();
  expect(await rows(page).locator("img").count()).toBe(5);
  await visit.shot("requests-light");
  expect(await barriers(page)).toEqual([]);

  await page.getByRole("radio", { name: "Mine" }).click();
  await rows(page).nth(1).waitFor();
  await rows(page).nth(2).waitFor({ state: "detached" });
  await page.getByRole("radio", { name: "All", exact: true }).click();
  await page.locator("[data-testid=request][data-state=failed]").getByText("Cannot be had").waitFor();
  await page.getByRole("radio", { name: "Everybody's" }).click();
  await page.locator("[data-testid=request][data-state=cancelled]").getByText("Taken back").waitFor();
  expect(await rows(page).count()).toBe(8);
});

test("one request tells its whole story and who waits for it", async () => {
  const visit = await enter();
  const { page } = visit;
  await open(page, "requests/r2");
  const lines = page.getByTestId("story-line");
  await lines.first().waitFor();
  expect(await lines.evaluateAll((all) => all.map((one) => one.getAttribute("data-kind")))).toEqual([
    "asked",
    "wanted",
    "joined",
    "trouble",
    "partly",
    "told",
  ]);
  await lines.first().getByText("Admin asked for it").waitFor();
  await page.getByTestId("story").getByText("3 of 10 episodes ready").waitFor();
  expect(await page.getByTestId("watcher").allTextContents()).toEqual([
    "AAdmin is told of everything new",
    "KKid is told of whole seasons",
  ]);
  await page.getByText("14 GB").waitFor();
  await visit.shot("request-light");
  expect(await barriers(page)).toEqual([]);
});

test("tell me too: chosen from the keyboard among four levels, changed, and left again", async () => {
  const visit = await enter({}, fake().codes.member);
  const { page } = visit;
  await open(page, "requests/r2");
  const tell = page.getByTestId("tell-me");
  await tell.getByText("Tell me too").waitFor();
  await tell.focus();
  await page.keyboard.press("Enter");
  const levels = page.getByRole("menuitemradio");
  expect(await levels.allTextContents()).toEqual([
    "The first of itOnce, when the first of it can be watched",
    "Everything newWhenever something more can be watched",
    "Whole seasonsWhenever a season is complete",
    "All of itOnce, when nothing is missing",
  ]);
  await visit.shot("request-levels-light");
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await tell.getByText("You are told of whole seasons").waitFor();
  expect(await tell.evaluate((element) => element === document.activeElement)).toBe(true);
  await page.getByTestId("watcher").getByText("Guest").waitFor();
  await page.locator("[data-testid=story-line][data-kind=joined]").getByText("Guest waits for it, too").waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitemradio", { name: /^All of it/ }).click();
  await tell.getByText("You are told of all of it").waitFor();
  await tell.click();
  await page.getByRole("menuitem", { name: "Tell me no more" }).click();
  await tell.getByText("Tell me too").waitFor();
  expect(await page.getByTestId("watcher").count()).toBe(2);
  // It is neither theirs nor are they an admin.
  expect(await page.getByRole("button", { name: "Take back" }).count()).toBe(0);
});

test("a request is taken back after a question, and not before", async () => {
  const visit = await enter({}, fake().codes.child);
  const { page } = visit;
  const from = fake().requests.length;
  await open(page, "requests/r3");
  await page.getByTestId("story").getByText("Waits for a yes").first().waitFor();
  await page.getByRole("button", { name: "Take back" }).click();
  const question = page.getByRole("alertdialog");
  await question.getByText("What was fetched already stays.").waitFor();
  await visit.shot("request-take-back-light");
  expect(await barriers(page)).toEqual([]);
  await question.getByRole("button", { name: "Keep it" }).click();
  expect(since(from, "DELETE /api/requests/r3")).toBe(0);
  await page.getByRole("button", { name: "Take back" }).click();
  await question.getByRole("button", { name: "Take it back" }).click();
  await page.locator("[data-testid=story][data-state=cancelled]").waitFor();
  await page.locator("[data-testid=story-line][data-kind=cancelled]").getByText("by Kid").waitFor();
  expect(await page.getByTestId("tell-me").count(), "nobody is told of what is over").toBe(0);
  expect(since(from, "DELETE /api/requests/r3")).toBe(1);
});

test("what somebody reports is seen by them and by an admin, who says what became of it", async () => {
  const kid = await enter({}, fake().codes.child);
  await open(kid.page, "requests");
  const own = kid.page.getByTestId("report");
  await own.getByText("no subtitles (“only Swedish”)").waitFor();
  expect(await own.getByRole("button").count(), "only an admin deals with it").toBe(0);

  const { page } = await enter();
  const from = fake().requests.length;
  await open(page, "requests");
  const report = page.getByTestId("report");
  await report.getByText("Reported by Kid").waitFor();
  expect(await barriers(page)).toEqual([]);
  await report.getByRole("button", { name: "Mended" }).click();
  await report.waitFor({ state: "detached" });
  expect(since(from, "POST /api/reports/w1")).toBe(1);
});

test("a request that is not there says so", async () => {
  const visit = await enter();
  await open(visit.page, "requests/none");
  await visit.page.getByText("This request is not here.").waitFor();
  // The browser itself reports what was refused on purpose.
  visit.complaints.length = 0;
});

test("what moves is asked for again while it is looked at, and not while it is hidden", async () => {
  const visit = await enter();
  const { page } = visit;
  await page.clock.install();
  await open(page, "requests/r1");
  await page.getByTestId("story").waitFor();
  const asked = () => since(0, "GET /api/requests/r1");
  const before = asked();
  await page.clock.runFor(5_100);
  await expect.poll(asked).toBe(before + 1);

  const hide = (state: string) =>
    page.evaluate((now) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => now });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  await hide("hidden");
  const hidden = asked();
  await page.clock.runFor(60_000);
  await page.getByTestId("story").waitFor();
  expect(asked()).toBe(hidden);
  fake().media.arrive("Metropolis (1927)");
  await hide("visible");
  await page.locator("[data-testid=story][data-state=watchable]").waitFor();
  await page.locator("[data-testid=story-line][data-kind=watchable]").waitFor();
  // What is over is not asked for any more.
  const over = asked();
  await page.clock.runFor(60_000);
  expect(asked()).toBe(over);
});

test("news are a friendly line in the conversation, read out, with no answer made", async () => {
  const visit = await enter();
  const { page } = visit;
  await say(page, "Hello, tell me of news");
  await answered(page);
  fake().tell("Hello, tell me of news", "Metropolis is ready to watch.\nThree episodes of Dragnet are ready to watch.");
  const news = page.locator("[data-testid=notice][data-kind=news]");
  await news.getByText("Metropolis is ready to watch.").waitFor();
  await news.getByText("Three episodes of Dragnet").waitFor();
  await page.getByTestId("announcer").getByText("News: Metropolis is ready to watch.").waitFor({ state: "attached" });
  expect(await page.getByTestId("answer").count()).toBe(1);
  await visit.shot("news-light");
  expect(await barriers(page)).toEqual([]);
  await page.reload();
  await news.getByText("Metropolis is ready to watch.").waitFor();
  expect(await page.getByTestId("answer").count()).toBe(1);
  // Each thing beside its poster, and one press away from its story.
  expect(await news.getByTestId("news").locator("img").count()).toBe(2);
  await news.getByTestId("news").filter({ hasText: "Dragnet" }).getByRole("link", { name: "See the request" }).click();
  await page
    .getByTestId("story")
    .getByRole("heading", { name: /^Dragnet/ })
    .waitFor();
});

test("a conversation with unseen news is marked until it is looked at", async () => {
  const visit = await enter();
  const { page } = visit;
  await page.clock.install();
  await say(page, "Hello, mark me");
  await answered(page);
  await page.getByTestId("new-conversation").click();
  const entry = entries(page).filter({ hasText: "Hello, mark me" });
  await entry.waitFor();
  expect(await entry.getByText("Something new").count()).toBe(0);
  await page.clock.runFor(1_000);
  fake().tell("Hello, mark me", "Metropolis is ready to watch.");
  await page.clock.runFor(31_000);
  await entry.getByText("Something new").waitFor({ state: "attached" });
  await visit.shot("news-marked-light");
  await entry.getByRole("link").click();
  await page.locator("[data-testid=notice][data-kind=news]").waitFor();
  await entry.getByText("Something new").waitFor({ state: "detached" });
});

test("the library shows what there is, as plots with tables behind them", async () => {
  const visit = await enter();
  const { page } = visit;
  await page.getByRole("link", { name: "Library", exact: true }).click();
  const stock = part(page, "On the shelf");
  await stock.getByText("612", { exact: true }).waitFor();
  await stock.getByText("5.1 TB").waitFor();
  const plots = stock.getByTestId("plot");
  await plots.nth(3).waitFor();
  expect(await plots.count()).toBe(4);
  await stock.getByRole("img", { name: "By year. Most: 1920s with 148." }).waitFor();
  expect(await plots.first().locator("path.recharts-rectangle").count()).toBeGreaterThanOrEqual(8);
  await visit.shot("library-light");
  expect(await barriers(page)).toEqual([]);
  await stock.getByRole("button", { name: "Show as a table: By genre" }).focus();
  await page.keyboard.press("Enter");
  const table = stock.getByRole("region", { name: "By genre" }).getByRole("table");
  await table.getByRole("row", { name: "Mystery 88" }).waitFor();
  await stock.getByRole("button", { name: "Show as a table: Added month by month" }).click();
  await stock.getByRole("row", { name: /^Dec 25 8 60 GB$/ }).waitFor();
  await stock.getByTestId("disk").getByText("61 GB free of 2 TB, nearly full").waitFor();
  await visit.shot("library-tables-light");
  expect(await barriers(page)).toEqual([]);
});

test("the queue moves while it is looked at", async () => {
  const visit = await enter();
  const { page } = visit;
  await page.clock.install();
  await open(page, "library");
  const film = page.getByTestId("download").filter({ hasText: "Metropolis" });
  await film.getByText("12 min left").waitFor();
  const percent = async () => Number(await film.getByRole("progressbar").getAttribute("aria-valuenow"));
  const before = await percent();
  await page.clock.runFor(10_100);
  await expect.poll(percent).toBe(before + 1);
  await film.locator("img").waitFor();
  const ill = page.getByTestId("download").filter({ hasText: "Dragnet" });
  await ill.getByTestId("no-picture").waitFor();
  await ill.getByText("Nobody offers the rest of it").waitFor();
  await ill.getByText("Needs a look · Sonarr kids · 14 GB").waitFor();
  // What was here stays, and does not pretend to be of now.
  fake().setDown(true);
  await page.clock.runFor(20_000);
  await part(page, "On its way").getByTestId("stale").getByText("This may be out of date").waitFor();
  await film.waitFor();
  fake().setDown(false);
  await page.clock.runFor(20_000);
  await part(page, "On its way").getByTestId("stale").waitFor({ state: "detached" });
  // The browser itself reports what was refused on purpose.
  visit.complaints.length = 0;
});

test("what comes stands under the days of the person's zone, and services say how they are", async () => {
  const visit = await enter({ timezoneId: "America/New_York" });
  const { page } = visit;
  await open(page, "library");
  const coming = part(page, "Coming up");
  await coming.getByText("in the time of Europe/Berlin").waitFor();
  const late = coming.getByTestId("day").filter({ hasText: "Night Court" });
  await late.getByText("00:30").waitFor();
  expect(await late.getByTestId("coming").count(), "the evening in London is the next day here").toBe(1);
  await coming.getByTestId("coming").filter({ hasText: "One Step Beyond" }).getByText("Here").waitFor();
  await coming.scrollIntoViewIfNeeded();
  await visit.shot("calendar-light");
  const services = part(page, "The services behind it").getByTestId("service");
  await services.nth(2).waitFor();
  await services.nth(0).getByText("In order").waitFor();
  await services.nth(1).getByText("The download client is nearly out of space.").waitFor();
  await services.nth(2).getByText("plex at nas:32400 refused the token").waitFor();
  await services.nth(2).scrollIntoViewIfNeeded();
  await visit.shot("services-light");
  expect(await barriers(page)).toEqual([]);
});

test("who could not be asked is named, and never taken for nothing", async () => {
  const visit = await enter();
  const { page } = visit;
  fake().media.radarr_up = false;
  fake().media.bare = true;
  await open(page, "library");
  for (const name of ["On the shelf", "On its way", "Coming up"]) {
    await part(page, name).getByTestId("could-not-ask").getByText("radarr at nas:7878 did not answer").waitFor();
  }
  expect(await part(page, "On the shelf").locator("dd").allTextContents()).toEqual(Array(4).fill("not known"));
  for (const nothing of ["The shelf is empty.", "Nothing is on its way.", "Nothing is expected"]) {
    expect(await page.getByText(nothing).count(), nothing).toBe(0);
  }
  await part(page, "The services behind it").getByTestId("service").first().getByText("Not working").waitFor();
  await visit.shot("could-not-ask-light");
  expect(await barriers(page)).toEqual([]);
  fake().media.radarr_up = true;
  await page.reload();
  await page.getByText("The shelf is empty.").waitFor();
  await page.getByText("Nothing is on its way.").waitFor();
  await page.getByText("Nothing is expected in the next two weeks.").waitFor();
  fake().media.bare = false;
});

test("where nothing is connected the page says what to connect", async () => {
  const visit = await enter();
  const { page } = visit;
  fake().media.connected = false;
  await open(page, "library");
  await page.getByTestId("connect").getByText("[tools.radarr.default]").waitFor();
  expect(await page.getByRole("alert").count()).toBe(0);
  await visit.shot("connect-light");
  expect(await barriers(page)).toEqual([]);
  await open(page, "taste");
  await page.getByTestId("not-offered").waitFor();
  fake().media.connected = true;
  visit.complaints.length = 0;
});

test("disks are the admin's; everybody else sees the rest", async () => {
  const visit = await enter({}, fake().codes.member);
  const { page } = visit;
  await open(page, "library");
  await part(page, "The services behind it").getByTestId("service").first().waitFor();
  await part(page, "On the shelf").getByText("612", { exact: true }).waitFor();
  expect(await page.getByTestId("disk").count()).toBe(0);
});

test("one's own taste is changed from the keyboard, saved at once, and kept", async () => {
  const visit = await enter();
  const { page } = visit;
  await open(page, "taste");
  const genres = place(page, "likes.genres");
  await genres.getByText("Silent film").waitFor();
  await genres.getByRole("button", { name: "Add to Likes: Genres" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("Comedy");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Noir");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await genres.getByRole("button", { name: "Remove Silent film from Likes: Genres" }).focus();
  await page.keyboard.press("Enter");
  expect(await genres.getByTestId("chip").allTextContents()).toEqual(["Comedy", "Noir"]);
  await page.getByRole("textbox", { name: "Never crossed: Nothing before" }).fill("1780");
  await page.keyboard.press("Enter");
  await page.getByText("Enter a year from 1870 to 2200.").waitFor();
  await page.getByRole("textbox", { name: "Never crossed: Nothing before" }).fill("1930");
  await page.keyboard.press("Enter");
  await page.getByRole("checkbox", { name: "Never crossed: No jump scares" }).check();
  const bar = page.getByTestId("unsaved");
  await bar.getByText("5 changes are not saved yet.").waitFor();
  await visit.shot("taste-unsaved-light");
  expect(await barriers(page)).toEqual([]);
  const from = fake().requests.length;
  await bar.getByRole("button", { name: "Save" }).click();
  await bar.waitFor({ state: "detached" });
  expect(since(from, "POST /api/tools/update_household_preferences"), "one call for all").toBe(1);
  await page.reload();
  await genres.getByText("Noir").waitFor();
  expect(await genres.getByTestId("chip").allTextContents()).toEqual(["Comedy", "Noir"]);
  expect(await page.getByRole("checkbox", { name: "Never crossed: No jump scares" }).isChecked()).toBe(true);
  expect(await page.getByRole("textbox", { name: "Never crossed: Nothing before" }).inputValue()).toBe("1930");
});

test("who leaves with something unsaved is asked once, and stays or goes", async () => {
  const { page } = await enter();
  const pages = page.getByRole("navigation", { name: "About films and series" });
  const beside = (name: string) => pages.getByRole("link", { name, exact: true });
  await open(page, "taste");
  const genres = place(page, "likes.genres");
  await genres.getByRole("button", { name: "Add to Likes: Genres" }).click();
  await page.keyboard.type("Heist");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await page.getByTestId("unsaved").waitFor();
  await page.getByRole("radio", { name: "The household" }).click();
  const asked = page.getByRole("alertdialog", { name: "Leave without saving?" });
  await asked.getByRole("button", { name: "Stay here" }).click();
  await asked.waitFor({ state: "detached" });
  await page.goBack();
  await asked.getByRole("button", { name: "Stay here" }).click();
  await page.getByTestId("unsaved").waitFor();
  expect(page.url()).toMatch(/#\/taste$/);
  expect(await barriers(page)).toEqual([]);

  await beside("Library").click();
  await asked.getByRole("button", { name: "Leave without saving" }).click();
  await page.getByRole("heading", { level: 1, name: "Library" }).waitFor();
  await beside("Taste").click();
  await page.getByRole("heading", { level: 1, name: "Taste" }).waitFor();
  await beside("Requests").click();
  await page.getByRole("heading", { level: 1, name: "Requests" }).waitFor();
  expect(await asked.count()).toBe(0);
});

test("what is refused is said, and nothing typed is lost", async () => {
  const visit = await enter();
  const { page } = visit;
  await open(page, "taste");
  const moods = place(page, "likes.vibes");
  await moods.getByRole("button", { name: /^Add to/ }).click();
  await page.keyboard.type("refuse this");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").getByText("Not saved: nothing was changed").waitFor();
  await moods.getByText("refuse this").waitFor();
  await page.getByRole("button", { name: "Discard" }).click();
  await moods.getByText("refuse this").waitFor({ state: "detached" });
});

test("the household's taste is everybody's: a change waits for a yes and is shown as waiting", async () => {
  const visit = await enter();
  const { page } = visit;
  await open(page, "taste");
  await page.getByRole("radio", { name: "The household's" }).click();
  const people = place(page, "likes.people");
  await people.getByText("Mary Pickford").waitFor();
  // Keys nobody here knows are there to read.
  await place(page, "houseRules.popcorn.salted").getByText("always").waitFor();
  await page.getByTestId("kept").getByText('[{"row":1}]').waitFor();
  await visit.shot("taste-household-light");
  expect(await barriers(page)).toEqual([]);
  await people.getByRole("button", { name: /^Add to/ }).click();
  await page.keyboard.type("Harold Lloyd");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Save" }).click();
  const waits = page.getByTestId("waits-for-yes");
  await waits.getByText("this waits for a yes").waitFor();
  expect(await people.getByText("Harold Lloyd").count(), "nothing has changed yet").toBe(0);
  await visit.shot("taste-waits-light");
  expect(await barriers(page)).toEqual([]);
  await waits.getByRole("button", { name: "Approve" }).click();
  await waits.locator("[data-state=executed]").waitFor();
  await people.getByText("Harold Lloyd").waitFor();
});

test("somebody who may not decide sees that another does", async () => {
  const visit = await enter({}, fake().codes.member);
  const { page } = visit;
  await open(page, "taste");
  await page.getByRole("radio", { name: "The household's" }).click();
  await place(page, "likes.genres").getByRole("button", { name: "Remove Mystery from Likes: Genres" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  const waits = page.getByTestId("waits-for-yes");
  await waits.getByText("An admin decides. Nothing happens until then.").waitFor();
  expect(await waits.getByRole("button", { name: "Approve" }).count()).toBe(0);
  await place(page, "likes.genres").getByText("Mystery").waitFor();
});

test("what was learned is told with when and from what, and taken back after a question", async () => {
  const visit = await enter();
  const { page } = visit;
  await open(page, "taste");
  await page.getByText("Nothing was learned yet.").waitFor();
  await page.getByRole("radio", { name: "The household's" }).click();
  const lessons = page.getByTestId("lesson");
  await lessons.nth(2).waitFor();
  await lessons.nth(0).getByText("Admin rated “Sherlock Jr.” 10 of 10").waitFor();
  await lessons.nth(1).getByText("Guest said so").waitFor();
  await lessons.nth(2).getByText("not enough to change anything").waitFor();
  // Whatever names a title stands beside its poster.
  await expect.poll(() => lessons.locator("img").count()).toBe(3);
  await place(page, "neverRecommend.titles").getByTestId("chip").locator("img").waitFor();
  await lessons.nth(0).scrollIntoViewIfNeeded();
  await visit.shot("taste-learned-light");
  await lessons
    .nth(0)
    .getByRole("button", { name: /^Take back/ })
    .click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Take back" }).click();
  await lessons.nth(2).waitFor({ state: "detached" });
  expect(await lessons.count()).toBe(2);
});

test("a request's card is changed in fields: quality, seasons, folder, instance", async () => {
  const visit = await enter();
  const { page } = visit;
  await say(page, "Please add Dragnet");
  const card = page.locator("[data-testid=approval][data-state=open]");
  await card.getByRole("heading", { name: "Add Dragnet (1951), seasons 1, 2?" }).waitFor();
  await answered(page);
  await card.getByRole("button", { name: "Change" }).click();
  const form = card.getByRole("form", { name: "Change" });
  expect(
    await form.locator("input:visible").evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value)),
  ).toEqual(["HD-1080p", "1, 2", "", ""]);
  await form.getByLabel("Seasons").fill("2, three");
  await form.getByRole("button", { name: "Show the changed request" }).click();
  await form.getByText("Enter whole numbers with commas between them.").waitFor();
  await form.getByLabel("Seasons").fill("2, 3");
  await form.getByText("Enter whole numbers").waitFor({ state: "detached" });
  await form.getByLabel("Folder").fill("/tv/old");
  await form.getByLabel("Which one").fill("kids");
  await visit.shot("request-change-light");
  expect(await barriers(page)).toEqual([]);
  await form.getByRole("button", { name: "Show the changed request" }).click();
  await card.getByRole("heading", { name: "Add Dragnet (1951), seasons 2, 3?" }).waitFor();
  await card.getByText("/tv/old").waitFor();
  await card.getByRole("button", { name: "Approve" }).click();
  await page.locator("[data-testid=notice][data-kind=receipt]").getByText("Dragnet (1951) was added.").waitFor();
});

test("on a phone, light: nothing is cut off", async () => {
  const visit = await enter(PHONE);
  const { page } = visit;
  for (const name of ["requests", "requests/r2", "library", "taste"]) {
    await open(page, name);
    await page
      .getByTestId("request")
      .or(page.getByTestId("story"))
      .or(page.getByTestId("plot"))
      .or(page.getByTestId("chip"))
      .first()
      .waitFor();
    expect(await fits(page), name).toBe(true);
    await visit.shot(`phone-${name.replace("/", "-")}-light`);
    expect(await barriers(page)).toEqual([]);
  }
});

test("on a phone in a dark room", async () => {
  const visit = await enter(DARK);
  const { page } = visit;
  await open(page, "requests");
  await rows(page).first().waitFor();
  await visit.shot("phone-requests-dark");
  expect(await barriers(page)).toEqual([]);
  await rows(page).filter({ hasText: "Dragnet" }).getByRole("link").click();
  await page.getByTestId("story").waitFor();
  await visit.shot("phone-request-dark");
  expect(await barriers(page)).toEqual([]);
  await page.getByRole("navigation", { name: "About films and series" }).getByRole("link", { name: "Library" }).click();
  await page.getByTestId("plot").first().waitFor();
  await visit.shot("phone-library-dark");
  await page.getByTestId("download").first().scrollIntoViewIfNeeded();
  await visit.shot("phone-queue-dark");
  await page.getByTestId("service").last().scrollIntoViewIfNeeded();
  await visit.shot("phone-services-dark");
  expect(await barriers(page)).toEqual([]);
  await page.getByRole("navigation", { name: "About films and series" }).getByRole("link", { name: "Taste" }).click();
  await page.getByRole("radio", { name: "The household's" }).click();
  await page.getByTestId("chip").first().waitFor();
  await place(page, "likes.genres")
    .getByRole("button", { name: /^Add to/ })
    .click();
  await page.keyboard.type("Western");
  await page.keyboard.press("Enter");
  await page.getByTestId("unsaved").waitFor();
  await visit.shot("phone-taste-dark");
  expect(await fits(page)).toBe(true);
  expect(await barriers(page)).toEqual([]);
  fake().tell("Connect Radarr to the house", "Metropolis is ready to watch.");
  await page.goto(`${house.url}/#/`);
  const asked = page.getByRole("alertdialog", { name: "Leave without saving?" });
  await asked.waitFor();
  await visit.shot("phone-unsaved-dark");
  await asked.getByRole("button", { name: "Leave without saving" }).click();
  await field(page).waitFor();
  await page.getByRole("button", { name: /^Open the list/ }).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByTestId("conversation").filter({ hasText: "Connect Radarr" }).waitFor();
  await visit.shot("phone-news-drawer-dark");
  await drawer.getByRole("link", { name: "Connect Radarr to the house" }).click();
  await page.locator("[data-testid=notice][data-kind=news]").waitFor();
  await visit.shot("phone-news-dark");
  expect(await barriers(page)).toEqual([]);
});
