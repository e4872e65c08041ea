/** A small generator of numbers that a seed determines (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 up to, but not including, `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return Math.floor(((bits ^ (bits >>> 14)) >>> 0) / 4294967296 * limit);
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** Cuts bytes into chunks of random sizes, empty ones among them. */
  chunks(bytes: Uint8Array): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    const most = this.pick([1, 2, 5, 20, bytes.length]);
    for (let at = 0; at < bytes.length;) {
      const next = Math.min(bytes.length, at + this.below(most + 1));
      chunks.push(bytes.slice(at, next));
      at = next;
    }
    return chunks;
  }
}

/** The seed of a test with random input: `SEED` of the environment, or a new one. */
export function seed(): number {
  return Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 2 ** 32));
}
