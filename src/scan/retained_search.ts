import type { Match } from "./match.ts";
import { characterLength, unfinishedTail } from "./utf8.ts";

interface Wanted {
  regexp: RegExp;
  text: boolean;
  /** Where its next match may begin, as an offset in the raw stream. */
  from: number;
  /** Where its last match ended, so that an empty one is not found twice. */
  lastEnd: number;
}

/**
 * Patterns that no finite automaton can match (look-around, back-references),
 * searched by V8 in the end of the stream that is retained.
 */
export class RetainedSearch {
  readonly #window: number;
  readonly #skipCarriageReturns: boolean;
  readonly #wanted = new Map<number, Wanted>();
  #bytes = new Uint8Array(0);
  #base = 0;

  constructor(window: number, skipCarriageReturns: boolean) {
    this.#window = window;
    this.#skipCarriageReturns = skipCarriageReturns;
  }

  get size(): number {
    return this.#wanted.size;
  }

  add(id: number, regexp: RegExp, text: boolean): void {
    const position = this.#base + this.#bytes.length;
    const flags = regexp.flags.replace(/[gy]/g, "") + "g";
    this.#wanted.set(id, {
      regexp: new RegExp(regexp.source, flags),
      text,
      from: position,
      lastEnd: -1,
    });
  }

  delete(id: number): void {
    this.#wanted.delete(id);
  }

  /** Takes the next bytes without a search. */
  retain(chunk: Uint8Array): void {
    const keep = Math.max(
      0,
      this.#bytes.length - Math.max(0, this.#window - chunk.length),
    );
    const joined = new Uint8Array(this.#bytes.length - keep + chunk.length);
    joined.set(this.#bytes.subarray(keep));
    joined.set(chunk, this.#bytes.length - keep);
    this.#bytes = joined;
    this.#base += keep;
  }

  search(final: boolean): Match[] {
    const matches: Match[] = [];
    if (this.#wanted.size === 0) return matches;
    const text = new RetainedText(
      this.#bytes,
      this.#base,
      this.#skipCarriageReturns,
      final,
    );
    for (const [id, wanted] of this.#wanted) {
      let index = text.indexOf(wanted.from);
      while (true) {
        wanted.regexp.lastIndex = index;
        const found = wanted.regexp.exec(text.text);
        if (found === null) break;
        const endIndex = found.index + found[0].length;
        const end = text.offsetOf(endIndex);
        index = endIndex;
        if (end <= wanted.lastEnd) {
          // The same empty match once more, or one cut short by it.
          index = found[0].length > 0 ? endIndex : endIndex + 1;
          if (index > text.text.length) break;
          continue;
        }
        wanted.lastEnd = end;
        wanted.from = end;
        const match: Match = { id, end };
        if (wanted.text) {
          match.start = text.offsetOf(found.index, true);
          match.groups = found;
        }
        matches.push(match);
      }
    }
    return matches.sort((a, b) => a.end - b.end);
  }
}

/** Retained bytes as text, with a way back from the text to the bytes. */
export class RetainedText {
  readonly text: string;
  readonly #bytes: Uint8Array;
  readonly #base: number;
  readonly #skip: boolean;
  readonly #plain: boolean;

  constructor(
    bytes: Uint8Array,
    base: number,
    skipCarriageReturns: boolean,
    final: boolean,
  ) {
    const whole = final ? bytes.length : bytes.length - unfinishedTail(bytes);
    this.#bytes = bytes.subarray(0, whole);
    this.#base = base;
    const decoded = new TextDecoder("utf-8", { ignoreBOM: true })
      .decode(this.#bytes);
    this.text = skipCarriageReturns ? decoded.replaceAll("\r", "") : decoded;
    this.#skip = skipCarriageReturns;
    this.#plain = this.text.length === whole;
  }

  /** The offset in the raw stream of the text's unit at `index`, or just after the unit before it. */
  offsetOf(index: number, start = false): number {
    if (this.#plain) return this.#base + index;
    let units = 0;
    let at = 0;
    let end = 0;
    while (at < this.#bytes.length) {
      if (!start && units >= index) break;
      if (this.#skip && this.#bytes[at] === 13) {
        at++;
        continue;
      }
      const length = characterLength(this.#bytes, at) ||
        this.#bytes.length - at;
      const next = units + (length === 4 ? 2 : 1);
      if (start && next > index) return this.#base + at;
      units = next;
      at += length;
      end = at;
    }
    return this.#base + (start ? at : end);
  }

  /** The index in the text of the first unit at or after an offset in the raw stream. */
  indexOf(offset: number): number {
    const wanted = offset - this.#base;
    if (wanted <= 0) return 0;
    if (this.#plain) return Math.min(wanted, this.text.length);
    let units = 0;
    for (let at = 0; at < wanted && at < this.#bytes.length;) {
      if (this.#skip && this.#bytes[at] === 13) {
        at++;
        continue;
      }
      const length = characterLength(this.#bytes, at) ||
        this.#bytes.length - at;
      // The offset lies within this character: it belongs to what follows.
      if (at + length > wanted) break;
      units += length === 4 ? 2 : 1;
      at += length;
    }
    return units;
  }
}
