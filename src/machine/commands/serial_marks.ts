import { after } from "../../time/mod.ts";

/** Digits of a mark's number. */
const DIGITS = 3;
/** Seconds that a mark may take through the guest. */
const LIMIT = 2;

/**
 * Marks in the serial console's bytes. The guest writes one on demand; when it
 * has arrived, so has all that the guest wrote before. Nobody else sees it.
 */
export class SerialMarks {
  /**
   * A mark is short, so that the kernel's lines rarely cut it, ends no line,
   * and begins with a byte that is rare on a console.
   */
  readonly #token = `\x01${
    crypto.randomUUID().replaceAll("-", "").slice(0, 10)
  }`;
  readonly #bytes = new TextEncoder().encode(this.#token);
  /** Called when the marks of these numbers arrive. */
  readonly #awaited = new Map<number, () => void>();
  /** Marks that did not arrive in time. */
  readonly #late = new Set<number>();
  #next = 0;
  /** The end of the last bytes, where that may begin a mark. */
  #held = new Uint8Array(0);

  /**
   * Waits until a new mark has arrived, for two seconds at most. While an
   * earlier one is late, the guest may write where nobody reads, and there is no
   * wait.
   *
   * @param write Has the guest write a text to its serial port.
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

  /** The bytes of the console without the marks. */
  strip(bytes: Uint8Array): Uint8Array {
    if (this.#awaited.size === 0 && this.#held.length === 0) return bytes;
    const all = new Uint8Array(this.#held.length + bytes.length);
    all.set(this.#held);
    all.set(bytes, this.#held.length);
    this.#held = new Uint8Array(0);
    const whole = this.#bytes.length + DIGITS;
    const [first] = this.#bytes;
    let kept = 0;
    /** Keeps what lies before the next byte that may begin a mark. */
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
   * The guest has ended or boots anew, and no mark arrives any more. Answers
   * the bytes that were held back, as they might have begun one.
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
