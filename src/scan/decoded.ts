import { characterLength, unfinishedTail } from "./utf8.ts";

/** A part of the stream as text, with a way from the text back to the bytes. */
export class Decoded {
  /** The text. U+FFFD stands for bytes that are not UTF-8. */
  readonly text: string;
  readonly #bytes: Uint8Array;
  readonly #base: number;
  readonly #skipReturns: boolean;
  readonly #plain: boolean;

  /**
   * @param bytes A part of the stream
   * @param base Where in the stream it begins
   * @param skipReturns Whether `\r` is left out
   * @param final Whether the stream ends with the part, so that an incomplete
   * character at its end is an error
   */
  constructor(
    bytes: Uint8Array,
    base: number,
    skipReturns: boolean,
    final: boolean,
  ) {
    // The part may begin within a character, whose rest is no character.
    let first = 0;
    while (base > 0 && first < 3 && (bytes[first] & 0xc0) === 0x80) first++;
    bytes = bytes.subarray(first);
    const whole = final ? bytes.length : bytes.length - unfinishedTail(bytes);
    this.#bytes = bytes.subarray(0, whole);
    this.#base = base + first;
    const decoded = new TextDecoder("utf-8", { ignoreBOM: true })
      .decode(this.#bytes);
    this.text = skipReturns ? decoded.replaceAll("\r", "") : decoded;
    this.#skipReturns = skipReturns;
    this.#plain = this.text.length === whole;
  }

  /** The index behind the first character. */
  get afterFirst(): number {
    const point = this.text.codePointAt(0);
    return point === undefined ? 0 : point > 0xffff ? 2 : 1;
  }

  /** Where in the stream the unit at `index` begins. */
  startOf(index: number): number {
    if (this.#plain) return this.#base + index;
    for (const { at, units, length } of this.#characters()) {
      if (units + length > index) return this.#base + at;
    }
    return this.#base + this.#bytes.length;
  }

  /** Where in the stream the character before `index` ends. */
  endOf(index: number): number {
    if (this.#plain) return this.#base + index;
    let end = 0;
    for (const { units, after } of this.#characters()) {
      if (units >= index) break;
      end = after;
    }
    return this.#base + end;
  }

  /** The index of the first character at or after an offset in the stream. */
  indexOf(offset: number): number {
    const wanted = offset - this.#base;
    if (wanted <= 0) return 0;
    if (this.#plain) return Math.min(wanted, this.text.length);
    for (const { after, units } of this.#characters()) {
      if (after > wanted) return units;
    }
    return this.text.length;
  }

  /** Each visible character: where it is, its index, its length in units, and where it ends. */
  *#characters(): Generator<
    { at: number; units: number; length: number; after: number }
  > {
    const bytes = this.#bytes;
    let units = 0;
    for (let at = 0; at < bytes.length;) {
      const size = characterLength(bytes, at) || bytes.length - at;
      if (!this.#skipReturns || bytes[at] !== 13) {
        // Only a complete sequence of four bytes is beyond U+FFFF: an
        // incomplete one is shorter.
        const length = size === 4 ? 2 : 1;
        yield { at, units, length, after: at + size };
        units += length;
      }
      at += size;
    }
  }
}
