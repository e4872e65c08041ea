import { GrowingBytes } from "./growing_bytes.ts";
import { harmless } from "./harmless.ts";
import { unfinishedTail } from "./utf8.ts";
import { bytesAt, pieces, wasm, wordsAt, writeInput } from "./wasm.ts";

// A guest that never ends its line can't fill the host's memory.
const longestLine = 65536;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const output = wasm.outputAddress();
/** Where the scanner writes what a piece gives: the words of its `Lines`. */
const given = wasm.allocate(20);

/**
 * Splits a stream of bytes into lines, each {@linkcode harmless} for a
 * terminal. A line ends with `\n`, `\r\n` or a lone `\r`; several `\r` in a row
 * are one. A line of more than 64 KiB is broken into several. Bytes that are
 * not UTF-8 become U+FFFD.
 *
 * @example
 * ```ts
 * const splitter = new LineSplitter();
 * for await (const chunk of serial) {
 *   for (const line of splitter.push(chunk)) console.log(line);
 * }
 * ```
 */
export class LineSplitter {
  /** The line that has not ended. */
  readonly #rest = new GrowingBytes();
  #restSpecial = false;
  #afterReturn = 0;

  /**
   * Takes the next bytes. Returns the lines that they complete, without line
   * ends.
   */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    for (const piece of pieces(chunk)) this.#take(piece, lines);
    return lines;
  }

  /** Ends the stream. Returns the last line, if it has no end. */
  finish(): string[] {
    this.#afterReturn = 0;
    return this.#rest.length > 0 ? [this.#takeRest(this.#rest.length)] : [];
  }

  /** Frees the memory that the splitter holds. */
  [Symbol.dispose](): void {
    this.#rest.clear(0);
  }

  #take(piece: Uint8Array, lines: string[]): void {
    writeInput(piece);
    wordsAt(given, 5)[4] = this.#afterReturn;
    wasm.splitLines(piece.length, given);
    const [length, end, special, restSpecial, afterReturn] = wordsAt(given, 5);
    this.#afterReturn = afterReturn;
    const written = bytesAt(output, length);
    let start = 0;
    if (end > 0 && this.#rest.length > 0) {
      start = written.indexOf(10) + 1;
      this.#rest.append(written.subarray(0, start - 1));
      this.#restSpecial ||= special !== 0;
      this.#breakRest(lines);
      lines.push(this.#takeRest(this.#rest.length));
    }
    if (end > start) {
      const text = decoder.decode(written.subarray(start, end - 1));
      const safe = special !== 0 ? harmless(text) : text;
      // One by one, because a piece may have more lines than a call takes
      // arguments.
      for (const line of safe.split("\n")) lines.push(line);
    }
    if (length > end) {
      this.#rest.append(written.subarray(end));
      this.#restSpecial ||= restSpecial !== 0;
      this.#breakRest(lines);
    }
  }

  #breakRest(lines: string[]): void {
    while (this.#rest.length > longestLine) {
      const head = this.#rest.bytes.subarray(0, longestLine);
      const special = this.#restSpecial;
      lines.push(this.#takeRest(longestLine - unfinishedTail(head)));
      this.#restSpecial = special;
    }
  }

  #takeRest(length: number): string {
    const text = decoder.decode(this.#rest.bytes.subarray(0, length));
    const line = this.#restSpecial ? harmless(text) : text;
    if (length < this.#rest.length) this.#rest.dropFirst(length);
    else this.#rest.clear();
    this.#restSpecial = false;
    return line;
  }
}
