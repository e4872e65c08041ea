import type { Listener, RunEvent } from "./event.ts";
import { pageParts, writePage } from "./page_file.ts";
import { RewrittenFile } from "./rewritten_file.ts";
import { RunData } from "./run_data.ts";
import { Spool } from "./spool.ts";

/**
 * Writes a run as one HTML page that needs no other file and no network: what
 * failed and why, a timeline, every step with its commands and their output,
 * the consoles, the screens.
 *
 * While the run goes on, its data waits on disk and not in memory; the page is
 * rewritten from there, and is complete at any moment.
 *
 * @example
 * ```ts
 * const log = new Log([new HtmlListener("report.html")]);
 * ```
 */
export class HtmlListener implements Listener {
  readonly #spool = new Spool();
  readonly #data: RunData;
  readonly #file: RewrittenFile;
  #closed = false;

  /** Path of the page. */
  readonly path: string;

  /**
   * Writes the page's first version.
   *
   * @param path Path of the page.
   * @throws {Error} If the file can't be written.
   */
  constructor(path: string) {
    this.path = path;
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    this.#data = new RunData(this.#spool, folder);
    this.#file = new RewrittenFile(path, (path) => {
      const run = { data: this.#data, label: "" };
      writePage(path, pageParts([run], this.#spool), this.#spool);
    });
  }

  /** See {@linkcode Listener.on}. */
  on(event: RunEvent): void {
    this.#data.add(event);
    if (event.type === "stepEnded" || event.type === "subtestEnded") {
      this.#file.touch();
    }
  }

  /** See {@linkcode Listener.flush}. */
  flush(): void {
    if (!this.#closed) this.#file.write();
  }

  /** See {@linkcode Listener.close}. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.write();
    this.#spool[Symbol.dispose]();
  }
}
