const encoder = new TextEncoder();
const newline = 0x0a;
/** Bytes of kept lines that become text at once. */
const piece = 1 << 14;
/** Characters that are written at once: single lines would take longer. */
const enough = 256;

/**
 * The first and the last lines of a text, and the number of lines between that
 * were dropped. Its memory is bounded.
 *
 * It holds bytes and no strings: thousands of strings that live for a moment
 * would make V8 give all young objects several times the room that the text
 * needs.
 */
export class BoundedText {
  #most: number;
  #head = new Uint8Array(0);
  #headLength = 0;
  #headLines = 0;
  #isHeadFull = false;
  #tail = new Uint8Array(0);
  #tailLength = 0;
  /** Text that is not yet at the tail's end. */
  #pending = "";
  #lines = 0;

  /**
   * @param most Bytes of the first lines that are kept at most, and once more of
   * the last.
   */
  constructor(most: number) {
    this.#most = most;
  }

  /** Adds a line, given without its end. */
  add(line: string): void {
    this.#lines++;
    if (!this.#isHeadFull) {
      this.#head = roomy(this.#head, this.#headLength, line);
      const length = write(`${line}\n`, this.#head, this.#headLength);
      if (length <= this.#most) {
        this.#headLength = length;
        this.#headLines++;
        return;
      }
      this.#isHeadFull = true;
      this.#head = this.#head.slice(0, this.#headLength);
    }
    this.#pending += `${line}\n`;
    if (this.#pending.length >= enough) this.#write();
  }

  /**
   * Drops more, for a text that is over.
   *
   * @param most Bytes of the first lines that are kept from now on, and once more
   * of the last.
   */
  shrink(most: number): void {
    this.#write();
    const head = this.#head.subarray(0, this.#headLength);
    const tail = this.#isHeadFull
      ? this.#tail.subarray(0, this.#tailLength)
      : head;
    this.#most = most;
    if (!this.#isHeadFull && head.length <= most) {
      this.#head = head.slice();
      return;
    }
    const kept = head.slice(0, head.lastIndexOf(newline, most - 1) + 1);
    const rest = this.#isHeadFull ? tail : tail.subarray(kept.length);
    this.#tail = lastLines(rest, most).slice();
    this.#tailLength = this.#tail.length;
    this.#head = kept;
    this.#headLength = kept.length;
    this.#headLines = linesIn(kept);
    this.#isHeadFull = true;
  }

  #write(): void {
    // Half of it goes at once, so that each byte moves but once.
    if (this.#tailLength > 2 * this.#most) {
      this.#tail.copyWithin(0, this.#tailLength - this.#most);
      this.#tailLength = this.#most;
    }
    this.#tail = roomy(this.#tail, this.#tailLength, this.#pending);
    this.#tailLength = write(this.#pending, this.#tail, this.#tailLength);
    this.#pending = "";
  }

  /** How many lines came, kept or not. */
  get lines(): number {
    return this.#lines;
  }

  /**
   * The kept lines, with a line in the place of the dropped ones: in pieces of
   * whole lines.
   */
  *pieces(): Generator<string> {
    this.#write();
    yield* piecesOf(this.#head.subarray(0, this.#headLength));
    const tail = lastLines(
      this.#tail.subarray(0, this.#tailLength),
      this.#most,
    );
    const omitted = this.#lines - this.#headLines - linesIn(tail);
    if (omitted > 0) yield `… ${omitted} lines left out …\n`;
    yield* piecesOf(tail);
  }

  /** The kept lines, with a line in the place of the dropped ones. */
  toString(): string {
    return [...this.pieces()].join("");
  }
}

function* piecesOf(lines: Uint8Array): Generator<string> {
  for (let at = 0; at < lines.length;) {
    const end = lines.indexOf(newline, at + piece) + 1 || lines.length;
    yield decode(lines.subarray(at, end));
    at = end;
  }
}

/** The last lines that are whole within so many bytes. */
function lastLines(bytes: Uint8Array, most: number): Uint8Array {
  const start = bytes.length - most;
  return start > 0
    ? bytes.subarray(bytes.indexOf(newline, start - 1) + 1)
    : bytes;
}

function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = 0; at < bytes.length; lines++) {
    at = bytes.indexOf(newline, at) + 1;
  }
  return lines;
}

/** Bytes with room for a text and a line's end after those that are used. */
function roomy(
  bytes: Uint8Array<ArrayBuffer>,
  used: number,
  text: string,
): Uint8Array<ArrayBuffer> {
  // A character takes three bytes of UTF-8 at most.
  const needed = used + 3 * text.length + 1;
  if (needed <= bytes.length) return bytes;
  const more = new Uint8Array(Math.max(2 * used, needed));
  more.set(bytes.subarray(0, used));
  return more;
}

/** Writes a text into bytes, and returns where it ends. */
function write(text: string, bytes: Uint8Array, at: number): number {
  return at + encoder.encodeInto(text, bytes.subarray(at)).written;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
