/** Where the walks take place: a running service named by the environment, or the page's own test server; a browser. */

import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { startFake } from "./fake";

/** Pictures of the real service and of the page's own test server lie apart. */
const artefacts = join(
  dirname(fileURLToPath(import.meta.url)),
  "..",
  "artefacts",
  process.env.MAJORDOMO_URL ? "service" : "fake",
);

export interface House {
  url: string;
  /** Only the page's own test server can be switched off on purpose. */
  fake: Awaited<ReturnType<typeof startFake>> | undefined;
  /** A page of somebody signed in: the admin, or whose code it is. */
  enter(options?: BrowserContextOptions, as?: string): Promise<Visit>;
  /** A page of somebody who is not. */
  arrive(options?: BrowserContextOptions): Promise<Visit>;
  code: string;
  close(): Promise<void>;
}

export interface Visit {
  page: Page;
  context: BrowserContext;
  /** What the browser complained about, and requests to elsewhere. */
  complaints: string[];
  shot(name: string): Promise<void>;
}

/** `MAJORDOMO_URL` and `MAJORDOMO_CODE` name a service; `CHROMIUM` a browser other than Debian's. */
export async function openHouse(): Promise<House> {
  mkdirSync(artefacts, { recursive: true });
  const { MAJORDOMO_URL, MAJORDOMO_CODE, CHROMIUM } = process.env;
  const fake = MAJORDOMO_URL ? undefined : await startFake();
  const url = (MAJORDOMO_URL ?? fake?.url ?? "").replace(/\/$/, "");
  const code = MAJORDOMO_CODE?.replace(/^.*#code=/, "") ?? fake?.code ?? "";
  const browser: Browser = await chromium.launch({
    executablePath: CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const sessions = new Map<string, Awaited<ReturnType<BrowserContext["storageState"]>>>();

  async function arrive(options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
    page.on("request", (request) => {
      const address = request.url();
      if (!address.startsWith(`${url}/`) && !address.startsWith("data:")) complaints.push(`elsewhere: ${address}`);
    });
    return {
      page,
      context,
      complaints,
      shot: async (name) => {
        await page.screenshot({ path: join(artefacts, `${name}.png`), animations: "disabled" });
      },
    };
  }

  return {
    url,
    fake,
    code,
    arrive,
    async enter(options = {}, as = code) {
      let session = sessions.get(as);
      if (!session) {
        const first = await arrive();
        await first.page.goto(`${url}/#code=${as}`);
        await first.page.getByRole("textbox", { name: "Message" }).waitFor();
        const state = await first.context.storageState();
        // The session, without what that visit remembered.
        session = { cookies: state.cookies, origins: [] };
        sessions.set(as, session);
        await first.context.close();
      }
      const visit = await arrive({ storageState: session, ...options });
      await visit.page.goto(`${url}/`);
      await visit.page.getByRole("textbox", { name: "Message" }).waitFor();
      return visit;
    },
    async close() {
      await browser.close();
      await fake?.close();
    },
  };
}
