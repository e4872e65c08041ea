import { after } from "../../time/mod.ts";

/** Digits of a mark's number. */
const DIGITS = 3;
/** Seconds that the guest may take to write a mark. */
const LIMIT = 2;

/**
 * Marks in the serial console's bytes. The guest writes a mark on demand; when
 * the mark has arrived, so has everything that the guest wrote before. Marks do
 * not appear in the console's text.
 */
export class SerialMarks {
  /**
   * A mark is short, so that lines of the kernel rarely cut it. It ends no
   * line, and begins with a byte that is rare on consoles.
   */
  readonly #token = `\x01${
    crypto.randomUUID().replaceAll("-", "").slice(0, 10)
  }`;
  readonly #bytes = new TextEncoder().encode(this.#token);
  /** The callbacks for marks, by their numbers. */
  readonly #awaited = new Map<number, () => void>();
  /** The marks that have not arrived in time. */
  readonly #late = new Set<number>();
  #next = 0;
  /** The end of the last bytes, if a mark may begin with it. */
  #held = new Uint8Array(0);

  /**
   * Waits until a new mark has arrived, for two seconds at most. If an earlier
   * mark is late, this does not wait: the guest may write to a port that the
   * driver does not read.
   *
   * @param write Makes the guest write a text to its serial port.
   */
  async arrived(write: (text: string) => Promise<void>): Promise<void> {
    if (this.#late.size > 0) return;
    const number = this.#next++ % 10 ** DIGITS;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaited.set(number, resolve);
    const cancel = after(LIMIT, () => {
      this.#late.add(number);
      resolve();
    });
    try {
      await write(this.#token + String(number).padStart(DIGITS, "0"));
      await promise;
    } finally {
      cancel();
    }
  }

  /** Removes the marks from bytes of the console. */
  strip(bytes: Uint8Array): Uint8Array {
    if (this.#awaited.size === 0 && this.#held.length === 0) return bytes;
    const all = new Uint8Array(this.#held.length + bytes.length);
    all.set(this.#held);
    all.set(bytes, this.#held.length);
    this.#held = new Uint8Array(0);
    const whole = this.#bytes.length + DIGITS;
    const [first] = this.#bytes;
    let kept = 0;
    /** Copies the bytes before the next byte that may begin a mark. */
    const keep = (from: number, search: number) => {
      const found = all.indexOf(first, search);
      const end = found < 0 ? all.length : found;
      all.copyWithin(kept, from, end);
      kept += end - from;
      return end;
    };
    for (let at = keep(0, 0); at < all.length;) {
      const rest = all.subarray(at, at + whole);
      const isMark = this.#bytes.every((byte, n) =>
        n >= rest.length || rest[n] === byte
      );
      if (!isMark) {
        at = keep(at, at + 1);
        continue;
      }
      if (rest.length < whole) {
        this.#held = rest.slice();
        break;
      }
      this.#hear(
        Number(String.fromCharCode(...rest.subarray(this.#bytes.length))),
      );
      at = keep(at + whole, at + whole);
    }
    return all.subarray(0, kept);
  }

  #hear(number: number): void {
    this.#awaited.get(number)?.();
    this.#awaited.delete(number);
    this.#late.delete(number);
  }

  /**
   * Called when the guest has ended or boots again, and no mark arrives any
   * more. Returns the bytes that were held back as the possible beginning of a
   * mark.
   */
  reset(): Uint8Array {
    for (const arrived of this.#awaited.values()) arrived();
    this.#awaited.clear();
    this.#late.clear();
    const held = this.#held;
    this.#held = new Uint8Array(0);
    return held;
  }
}
