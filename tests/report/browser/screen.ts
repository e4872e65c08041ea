import { assert, assertEquals, assertMatch } from "@std/assert";
import axe from "axe-core";
import {
  type Browser,
  type BrowserContext,
  chromium,
  type Page,
} from "playwright-core";
import { HtmlListener, type RunEvent } from "../../../src/report/mod.ts";

export type { Page };

/** How a page is looked at. */
export interface Look {
  /** What follows `#` in the address. */
  hash?: string;
  dark?: boolean;
  phone?: boolean;
  /** What each complaint of the browser has. Default: it has none. */
  complaint?: RegExp;
}

/** Debian's chromium, and the pages that are open in it. */
export class Screen implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<Screen> {
    return new Screen(
      await chromium.launch({
        executablePath: "/usr/bin/chromium",
        // root has no sandbox of its own.
        args: ["--no-sandbox"],
        timeout: 600_000,
      }),
    );
  }

  /** Writes a page of events; answers its path. */
  write(name: string, events: Iterable<RunEvent>): string {
    const path = `${this.folder}/${name}.html`;
    const listener = new HtmlListener(path);
    for (const event of events) listener.on(event);
    listener.close();
    return path;
  }

  /** Looks at a page, and makes sure that nothing there complains. */
  async look(
    path: string,
    act: (page: Page, context: BrowserContext) => Promise<void>,
    { hash = "", dark = false, phone = false, complaint }: Look = {},
  ): Promise<void> {
    const context = await this.#browser.newContext({
      viewport: phone ? { width: 390, height: 844 } : {
        width: 1360,
        height: 860,
      },
      hasTouch: phone,
      isMobile: phone,
      colorScheme: dark ? "dark" : "light",
    });
    context.setDefaultTimeout(600_000);
    try {
      const page = await context.newPage();
      const said: string[] = [];
      const asked: string[] = [];
      page.on("console", (message) => said.push(message.text()));
      page.on("pageerror", (error) => said.push(String(error.stack)));
      page.on("dialog", (dialog) => said.push(dialog.message()));
      page.on("request", (request) => asked.push(request.url()));
      const url = path.startsWith("/") ? `file://${path}` : path;
      await page.goto(url + hash);
      await page.waitForSelector("#app.ready > *");
      await act(page, context);
      if (complaint === undefined) assertEquals(said, []);
      else {
        assert(said.length > 0);
        for (const one of said) assertMatch(one, complaint);
      }
      const base = url.slice(0, url.lastIndexOf("/") + 1);
      assertEquals(
        asked.filter((one) =>
          !one.startsWith(base) && !one.startsWith("data:")
        ),
        [],
      );
    } finally {
      await context.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** What axe finds that keeps somebody from using a page. */
export async function barriers(page: Page): Promise<string[]> {
  if (!await page.evaluate("'axe' in globalThis")) {
    await page.evaluate(axe.source);
  }
  const found = await page.evaluate(
    "axe.run().then(({ violations }) => violations)",
  ) as {
    id: string;
    impact: string;
    nodes: { html: string; failureSummary: string }[];
  }[];
  return found.filter(({ impact }) => /serious|critical/.test(impact)).flatMap((
    { id, nodes },
  ) =>
    nodes.slice(0, 3).map(({ html, failureSummary }) =>
      `${id}: ${html.slice(0, 160)} ${failureSummary}`
    )
  );
}
