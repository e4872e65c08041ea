import { absolute } from "../paths.ts";
import type { Language } from "./language.ts";

/** A test script: its text and its address. */
export class Script {
  /** The language that it is written in. */
  readonly language: Language;
  /** Its file, as it was named; absent for a script that came as text. */
  readonly path?: string;
  /** Its address as a module: imports in it are relative to this. */
  readonly url: string;
  readonly #text?: string;

  /**
   * Describes a script.
   *
   * @param source A file, or the text itself.
   */
  constructor(
    source: { path?: string; code?: string; language: Language },
  ) {
    this.language = source.language;
    this.path = source.path;
    this.#text = source.code;
    const path = source.path ?? "[eval]";
    this.url = fileUrl(absolute(path));
  }

  /** Its name in messages. */
  get name(): string {
    return this.path ?? "[eval]";
  }

  /**
   * Its text.
   *
   * @throws {Error} If its file can't be read.
   */
  readText(): string {
    return this.#text ?? Deno.readTextFileSync(new URL(this.url));
  }
}

/** The `file:` address of an absolute path. */
export function fileUrl(path: string): string {
  const url = new URL("file:///");
  url.pathname = path.replace(/[%\\?#]/g, encodeURIComponent)
    .replace(/\n/g, "%0A").replace(/\r/g, "%0D").replace(/\t/g, "%09");
  return url.href;
}
