import { frequencies } from "./frequencies.ts";
import { pieceSize, storeBytes, wasm, writeInput } from "./wasm.ts";

// Frees the memory of finders that nobody has disposed of.
const abandoned = new FinalizationRegistry((needle: number) =>
  wasm.release(needle)
);

/**
 * Finds one sequence of bytes within others.
 *
 * @example
 * ```ts
 * using finder = new ByteFinder(new TextEncoder().encode("login:"));
 * const at = finder.find(bytes);
 * ```
 */
export class ByteFinder {
  readonly #size: number;
  readonly #rarest: readonly [number, number];
  #needle: number;

  /**
   * Prepares the search for a sequence.
   *
   * @param needle The bytes to look for, 32 KiB at most. An empty needle is
   * found everywhere
   * @throws {RangeError} If there are more
   */
  constructor(needle: Uint8Array) {
    if (needle.length > pieceSize / 2) {
      throw new RangeError(
        `Expected at most ${
          pieceSize / 2
        } bytes to look for, but got ${needle.length}`,
      );
    }
    this.#size = needle.length;
    this.#needle = storeBytes(needle);
    // The rarest of the first bytes serves as well as the rarest of all.
    const [first = 0, second = first] = [...needle.subarray(0, 64).keys()]
      .sort((a, b) => frequencies[needle[a]] - frequencies[needle[b]]);
    this.#rarest = [first, second];
    abandoned.register(this, this.#needle, this);
  }

  /**
   * Returns the offset of the first occurrence in `haystack` at or after
   * `from`, or -1.
   */
  find(haystack: Uint8Array, from: number = 0): number {
    if (this.#needle === 0) throw new TypeError("The finder was disposed of");
    from = Math.max(0, from);
    if (this.#size === 0) return from <= haystack.length ? from : -1;
    const step = pieceSize - this.#size + 1;
    for (let at = from; at + this.#size <= haystack.length; at += step) {
      const piece = haystack.subarray(at, at + pieceSize);
      writeInput(piece);
      const found = wasm.findBytes(
        this.#needle,
        this.#size,
        ...this.#rarest,
        piece.length,
      );
      if (found < piece.length) return at + found;
    }
    return -1;
  }

  /** Frees the memory that the finder holds. */
  [Symbol.dispose](): void {
    if (this.#needle === 0) return;
    abandoned.unregister(this);
    wasm.release(this.#needle);
    this.#needle = 0;
  }
}
