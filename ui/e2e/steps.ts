/** What walks do again and again on a page, and how they look at it. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const axe_path = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export const field = (page: Page) => page.getByRole("textbox", { name: "Message" });
export const answers = (page: Page) => page.getByTestId("answer");
export const entries = (page: Page) => page.getByTestId("conversation");

export async function say(page: Page, text: string) {
  await field(page).fill(text);
  await field(page).press("Enter");
}

export async function answered(page: Page, count = 1) {
  const settled = page.locator("[data-testid=answer]:not([data-state=running]):not([data-state=starting])");
  await settled.nth(count - 1).waitFor({ timeout: 45_000 });
  await page.locator("[data-testid=answer][data-state=running]").waitFor({ state: "detached", timeout: 45_000 });
}

/** Serious and critical findings of axe. It is evaluated in the page, which the content policy of a real page forbids to
 * scripts but not to the browser's own tools. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(axe_path, "utf8"));
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
  });
}
