import type { Language } from "../language.ts";

/** How many lines are kept from one run to the next. */
const LINES = 5000;

/**
 * The lines of earlier prompts: `$XDG_STATE_HOME/vmwright/history.<language>`,
 * or the same below `~/.local/state`. If the file can't be written, the history
 * lasts as long as the run.
 */
export class History {
  readonly #path?: string;
  /** The lines, oldest first. */
  readonly lines: readonly string[];

  private constructor(lines: string[], path?: string) {
    this.lines = lines;
    this.#path = path;
  }

  /** Reads the history of a language. */
  static open(language: Language): History {
    const home = Deno.env.get("HOME");
    const state = Deno.env.get("XDG_STATE_HOME") ||
      (home ? `${home}/.local/state` : undefined);
    if (state === undefined) return new History([]);
    const directory = `${state}/vmwright`;
    const path = `${directory}/history.${language}`;
    try {
      Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
      const text = readIfThere(path);
      const lines = text.split("\n").filter((line) => line !== "");
      if (lines.length > 2 * LINES) {
        lines.splice(0, lines.length - LINES);
        const changed = `${path}.${Deno.pid}`;
        Deno.writeTextFileSync(changed, lines.join("\n") + "\n", {
          mode: 0o600,
        });
        Deno.renameSync(changed, path);
      }
      return new History(lines.slice(-LINES), path);
    } catch {
      return new History([]);
    }
  }

  /** Adds a line. Several processes may do this at the same time. */
  add(line: string): void {
    if (this.#path === undefined || line.trim() === "") return;
    try {
      Deno.writeTextFileSync(this.#path, `${line}\n`, {
        append: true,
        mode: 0o600,
      });
    } catch {
      // A prompt works without a history.
    }
  }
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
