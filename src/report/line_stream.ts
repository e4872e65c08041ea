import { harmless } from "../scan/mod.ts";
import type { ChunkId, LineChunk, LineColumns } from "./page_format.ts";
import { stampOf } from "./kernel_stamp.ts";
import { shortened } from "./shortened.ts";
import type { Parts } from "./spool.ts";

/** Bytes of lines that are read together. */
const mostBytes = 1 << 18;
/** Lines that are read together. */
const mostLines = 1 << 13;
/** Characters of one line. */
const longestLine = 2000;
/** Characters that are encoded at once: single lines would take longer. */
const enough = 512;

const encoder = new TextEncoder();
// Text that needs no change.
const plain = /^[\x20-\x7e\t]*$/;

/** Keeps a chunk for a page, given in parts, and returns its number. */
export type Keep = (parts: Parts) => ChunkId;

/** Text of one line that can be shown to a person. */
export function shownLine(text: string): string {
  const line = shortened(text, longestLine);
  return plain.test(line) ? line : harmless(line).replaceAll("\n", "␊");
}

/**
 * Lines that come one by one, and are put together into chunks.
 *
 * It holds bytes and no strings: thousands of strings that live for a moment
 * would make V8 give all young objects several times the room that the text
 * needs.
 */
export class LineStream {
  readonly #keep: Keep;
  readonly chunks: LineChunk[] = [];
  readonly #bytes = new Uint8Array(mostBytes + 4 * (enough + longestLine));
  #used = 0;
  #pending = "";
  readonly #times = new Float64Array(mostLines);
  /** Of the kernel, in microseconds; -1: none. */
  readonly #stamps = new Float64Array(mostLines);
  #count = 0;
  #first = 0;

  /** @param keep Keeps a chunk, and returns its number. */
  constructor(keep: Keep) {
    this.#keep = keep;
  }

  /** How many lines came. */
  get lines(): number {
    return this.#first + this.#count;
  }

  /** Adds a line. Returns whether it is the last of its chunk. */
  add(time: number, line: string): boolean {
    const stamp = stampOf(line);
    this.#stamps[this.#count] = stamp?.time ?? -1;
    this.#times[this.#count++] = time;
    this.#pending += stamp === undefined ? line : line.slice(stamp.length);
    this.#pending += "\n";
    if (this.#pending.length >= enough) this.#encode();
    return this.#used >= mostBytes || this.#count === mostLines;
  }

  /** Puts the lines that came into a chunk, if there are any. */
  seal(columns?: object): void {
    if (this.#count === 0) return;
    this.chunks.push(this.#described(this.#keep(this.#parts(columns))));
    this.#first += this.#count;
    this.#count = this.#used = 0;
  }

  /** The chunks, and one of the lines that came since. */
  withOpen(
    keep: Keep,
    columns?: object,
  ): LineChunk[] {
    if (this.#count === 0) return this.chunks;
    return [...this.chunks, this.#described(keep(this.#parts(columns)))];
  }

  #described(chunk: ChunkId): LineChunk {
    return {
      chunk,
      first: this.#first,
      count: this.#count,
      from: this.#times[0],
      to: this.#times[this.#count - 1],
    };
  }

  /** Facts about each line, and the lines. */
  #parts(columns?: object): Parts {
    this.#encode();
    const times: number[] = [];
    const stamps: (number | null)[] = [];
    let hasStamps = false;
    for (let i = 0, time = 0, stamp = 0; i < this.#count; i++) {
      times.push(this.#times[i] - time);
      time = this.#times[i];
      if (this.#stamps[i] < 0) stamps.push(null);
      else {
        hasStamps = true;
        stamps.push(this.#stamps[i] - stamp);
        stamp = this.#stamps[i];
      }
    }
    const head: LineColumns = {
      times,
      ...hasStamps ? { stamps } : {},
      ...columns,
    };
    return [
      JSON.stringify(head),
      "\n",
      this.#bytes.subarray(0, this.#used),
    ];
  }

  #encode(): void {
    const { written } = encoder.encodeInto(
      this.#pending,
      this.#bytes.subarray(this.#used),
    );
    this.#used += written;
    this.#pending = "";
  }
}
