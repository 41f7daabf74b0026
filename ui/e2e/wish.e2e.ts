/**
 * A wish of the demo household, from its words to the news that it can be watched: the card on the request's own page, the queue, the
 * story, the news. On the real program, with its Radarr and its Plex; once at a desk, and looked at along the way on a phone.
 */

import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type House, openHouse, type Visit } from "./house";
import { answered, barriers, say } from "./steps";

let house: House;
let visits: Visit[] = [];

beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house?.close());
afterEach(async ({ task }) => {
  for (const [place, visit] of visits.entries())
    if (task.result?.state === "fail") await visit.shot(`failed-wish-${place}`);
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
const fits = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
/** Short enough to be fetched while somebody looks on, and not in the household. */
const TITLE = "Popeye the Sailor Meets Ali Baba's Forty Thieves";
const NAMED = /Popeye the Sailor Meets Ali Baba.s Forty Thieves/;
/** Searched, fetched, imported, scanned, and looked at by a house that looks every minute. */
const LONGEST = 240_000;
const story = (page: Page, state?: string) =>
  state ? page.locator(`[data-testid=story][data-state=${state}]`) : page.getByTestId("story");

/** A poster that has arrived, not its place. */
const posters = (page: Page, within: string) =>
  page
    .locator(within)
    .locator("img")
    .evaluateAll((all) => all.filter((one) => (one as HTMLImageElement).naturalWidth > 0).length);

async function look(visit: Visit, name: string) {
  await visit.page.evaluate(() =>
    Promise.all([...document.images].map((image) => image.decode().catch(() => undefined))),
  );
  await visit.shot(name);
  expect(await barriers(visit.page), name).toEqual([]);
  expect(await fits(visit.page), name).toBe(true);
}

test("a wish is asked for, decided on its own page, followed in the queue, and told when it can be watched", {
  timeout: LONGEST + 120_000,
}, async () => {
  const desk = await enter();
  await say(desk.page, `Get me ${TITLE} in 720p`);
  const card = desk.page.locator("[data-testid=approval][data-state=open]");
  await card.getByRole("heading", { name: "Have this film fetched?" }).waitFor({ timeout: 45_000 });
  await answered(desk.page);
  await card.getByText(NAMED).first().waitFor();
  await expect.poll(() => posters(desk.page, "[data-testid=approval]")).toBe(1);
  await card.scrollIntoViewIfNeeded();
  await look(desk, "wish-asked");
  const talk = desk.page.url();

  // On the request's own page, where nothing was decided yet.
  await card.getByRole("link", { name: "See how the request stands" }).click();
  await story(desk.page, "asked").waitFor();
  const own = desk.page.url();
  const waits = desk.page.locator("[data-testid=waits-for-yes]");
  await waits.getByRole("button", { name: "Approve" }).waitFor();
  await expect.poll(() => posters(desk.page, "[data-testid=story]")).toBe(2);
  await look(desk, "wish-request-asked");
  const phone = await enter(PHONE);
  await phone.page.goto(own);
  await story(phone.page, "asked").waitFor();
  await phone.page.locator("[data-testid=waits-for-yes]").getByRole("button", { name: "Approve" }).waitFor();
  await look(phone, "wish-request-asked-phone");
  await phone.page.locator("[data-testid=waits-for-yes]").getByRole("button", { name: "Approve" }).click();
  const line = (page: Page, kind: string) => page.locator(`[data-testid=story-line][data-kind=${kind}]`);
  await line(phone.page, "approved").waitFor({ timeout: 30_000 });

  // Both look on while it comes.
  await story(phone.page, "downloading").waitFor({ timeout: LONGEST });
  await story(phone.page).getByRole("progressbar").first().waitFor();
  await look(phone, "wish-downloading-phone");
  await desk.page.goto(`${house.url}/#/library`);
  const fetched = desk.page.getByTestId("download").filter({ hasText: NAMED });
  await fetched.getByRole("progressbar").waitFor({ timeout: 30_000 });
  await expect.poll(() => posters(desk.page, "[data-testid=download]")).toBeGreaterThan(0);
  await fetched.scrollIntoViewIfNeeded();
  await look(desk, "wish-queue");
  await desk.page.goto(`${house.url}/#/requests`);
  await desk.page.getByTestId("request").filter({ hasText: NAMED }).waitFor();
  await look(desk, "wish-list");

  await story(phone.page, "watchable").waitFor({ timeout: LONGEST });
  await line(phone.page, "told").waitFor({ timeout: 60_000 });
  await desk.page.goto(own);
  await story(desk.page, "watchable").waitFor();
  await line(desk.page, "told").waitFor();
  const kinds = await desk.page
    .getByTestId("story-line")
    .evaluateAll((all) => all.map((one) => one.getAttribute("data-kind")));
  expect(kinds[0]).toBe("asked");
  expect(kinds.at(-1)).toBe("told");
  const order = ["asked", "approved", "wanted", "downloading", "watchable", "told"];
  expect(kinds.filter((kind) => order.includes(kind ?? ""))).toEqual(order);
  await look(desk, "wish-watchable");
  await phone.page.evaluate(() => scrollTo(0, 0));
  await look(phone, "wish-watchable-phone");

  // Where it was asked for, it is told, beside its poster and one press from its story.
  for (const [visit, name] of [
    [desk, "wish-news"],
    [phone, "wish-news-phone"],
  ] as const) {
    await visit.page.goto(talk);
    const news = visit.page.locator("[data-testid=notice][data-kind=news]");
    await news.getByText(NAMED).waitFor({ timeout: 60_000 });
    await expect.poll(() => posters(visit.page, "[data-kind=news]")).toBe(1);
    await news.scrollIntoViewIfNeeded();
    await look(visit, name);
  }
  await phone.page.locator("[data-kind=news]").getByRole("link", { name: "See the request" }).click();
  await story(phone.page, "watchable").waitFor();
});
