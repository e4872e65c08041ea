import { harmless } from "../scan/mod.ts";
import type { Listener, RunEvent } from "./event.ts";
import { shortened } from "./shortened.ts";

/** Characters of a failure's explanation that are shown. */
const longest = 20_000;
/** Subtests that are listed. */
const most = 200;

interface Row {
  readonly name: string;
  readonly duration: number;
  readonly error?: string;
}

/**
 * Adds a summary in Markdown to a file at the end of the run: what passed, how
 * long it took, and why it failed. GitHub shows such a file beside the job.
 */
export class SummaryListener implements Listener {
  /** See {@linkcode Listener.takesPlaces}. */
  readonly takesPlaces = false;
  readonly #rows: Row[] = [];
  #name = "VM test";

  /** Path of the file. */
  readonly path: string;

  /**
   * Takes the file, and writes nothing yet.
   *
   * @param path Path of the file, which may hold summaries of others already.
   */
  constructor(path: string) {
    this.path = path;
  }

  /** See {@linkcode Listener.on}. */
  on(event: RunEvent): void {
    switch (event.type) {
      case "runBegan":
        this.#name = event.name ?? this.#name;
        break;
      case "subtestEnded":
        this.#rows.push({
          name: event.name,
          duration: event.duration,
          error: event.error?.message,
        });
        break;
      case "runEnded": {
        const text = this.#render(event);
        Deno.writeTextFileSync(this.path, text, { append: true });
        break;
      }
    }
  }

  #render({ verdict, time, detail, error }: RunEvent<"runEnded">): string {
    const mark = verdict === "passed" ? "✅" : "❌";
    let out = `### ${mark} ${cell(this.#name)}: ${verdict} in ${
      time.toFixed(1)
    } s\n\n`;
    if (this.#rows.length > 0) {
      out += "| | subtest | seconds |\n|---|---|---:|\n";
      for (const { name, duration, error } of this.#rows.slice(0, most)) {
        out += `| ${error === undefined ? "✅" : "❌"} | ${cell(name)} | ${
          duration.toFixed(2)
        } |\n`;
      }
      const left = this.#rows.length - most;
      if (left > 0) out += `\n${left} more subtests are left out.\n`;
      out += "\n";
    }
    const why = detail ?? (error && `${error.name}: ${error.message}`);
    return why === undefined ? out : out + fenced(why);
  }
}

/**
 * Makes a block of Markdown that shows a text as it is.
 *
 * @param text Any text; of a long one the middle is left out.
 */
export function fenced(text: string): string {
  const shown = shortened(harmless(text), longest);
  const runs = shown.match(/`+/g) ?? [];
  const fence = "`".repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
  return `${fence}text\n${shown}\n${fence}\n\n`;
}

/**
 * Turns a text into the cell of a table in Markdown, without any markup of
 * Markdown or HTML.
 *
 * @param text Any text.
 */
export function cell(text: string): string {
  return shortened(harmless(text), 500).replaceAll("\n", " ")
    .replace(/[\\`*_{}[\]()<>#+!|~&$:@-]/g, (one) => `&#${one.charCodeAt(0)};`);
}
