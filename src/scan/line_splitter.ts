import { harmless } from "./harmless.ts";
import { unfinishedTail } from "./utf8.ts";

// A guest that never ends its line must not fill the host's memory.
const longestLine = 65536;

/**
 * Splits a stream of bytes into lines, each {@linkcode harmless} for a
 * terminal. A line ends with `\n`, `\r\n` or a lone `\r`; one of more than
 * 64 KiB is broken into several. Bytes that are not UTF-8 become U+FFFD.
 */
export class LineSplitter {
  #pending = new Uint8Array(0);
  #afterReturn = false;

  /** Takes the next bytes; gives the lines that they complete, without their ends. */
  push(chunk: Uint8Array): string[] {
    let start = 0;
    while (this.#afterReturn && start < chunk.length) {
      if (chunk[start] !== 13) this.#afterReturn = false;
      if (chunk[start] === 13 || chunk[start] === 10) start++;
    }
    const lines: string[] = [];
    for (let at = start; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte !== 10 && byte !== 13) continue;
      this.#append(chunk.subarray(start, at), lines);
      lines.push(this.#take(this.#pending.length));
      if (byte === 13) {
        while (chunk[at + 1] === 13) at++;
        if (chunk[at + 1] === 10) at++;
        else this.#afterReturn = at + 1 === chunk.length;
      }
      start = at + 1;
    }
    this.#append(chunk.subarray(start), lines);
    return lines;
  }

  /** Ends the stream; gives the line that was not ended, if there is one. */
  finish(): string[] {
    this.#afterReturn = false;
    return this.#pending.length > 0 ? [this.#take(this.#pending.length)] : [];
  }

  /** Gives back the memory that the splitter holds. */
  [Symbol.dispose](): void {
    this.#pending = new Uint8Array(0);
  }

  #append(bytes: Uint8Array, lines: string[]): void {
    const joined = new Uint8Array(this.#pending.length + bytes.length);
    joined.set(this.#pending);
    joined.set(bytes, this.#pending.length);
    this.#pending = joined;
    while (this.#pending.length > longestLine) {
      const head = this.#pending.subarray(0, longestLine);
      lines.push(this.#take(longestLine - unfinishedTail(head)));
    }
  }

  #take(length: number): string {
    const line = new TextDecoder().decode(this.#pending.subarray(0, length));
    this.#pending = this.#pending.slice(length);
    return harmless(line);
  }
}
