import type { Match, PatternOptions } from "./match.ts";
import { RetainedSearch } from "./retained_search.ts";

/** How a {@linkcode Scanner} reads its stream. */
export interface ScannerOptions {
  /**
   * Whether `\r` is invisible to patterns, as on a serial console that ends
   * its lines with `\r\n`. Offsets count the bytes all the same. Default: false.
   */
  skipCarriageReturns?: boolean;
  /** How many of the last bytes are kept for V8's part of the work. Default: 65536. */
  window?: number;
}

/**
 * Searches a stream of bytes for a changing set of patterns, each of them
 * from the position where it was added on.
 */
export class Scanner {
  readonly #retained: RetainedSearch;
  #position = 0;
  #lastId = 0;

  constructor(options: ScannerOptions = {}) {
    this.#retained = new RetainedSearch(
      options.window ?? 65536,
      options.skipCarriageReturns ?? false,
    );
  }

  /** How many bytes have been scanned so far. */
  get position(): number {
    return this.#position;
  }

  /**
   * Wants a pattern from the current position on, and gives the number that
   * its matches will bear. A string is the source of a regular expression
   * without flags.
   */
  add(pattern: RegExp | string, options: PatternOptions = {}): number {
    const id = ++this.#lastId;
    const regexp = typeof pattern === "string" ? new RegExp(pattern) : pattern;
    this.#retained.add(id, regexp, options.text ?? false);
    return id;
  }

  /** No longer wants a pattern. */
  delete(id: number): void {
    this.#retained.delete(id);
  }

  /** Takes the next bytes; gives the matches that are sure by now, in the order of their ends. */
  scan(chunk: Uint8Array): Match[] {
    this.#position += chunk.length;
    this.#retained.retain(chunk);
    return this.#retained.search(false);
  }

  /** Ends the stream; gives the matches that depended on its end (`$`, `\b`). */
  finish(): Match[] {
    return this.#retained.search(true);
  }

  /** Gives back the memory that the scanner holds. */
  [Symbol.dispose](): void {}
}
