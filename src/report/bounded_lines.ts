/**
 * The first and the last of many lines, with the number of those between that
 * were let go. Memory is bounded whatever comes.
 */
export class BoundedLines<T> {
  readonly #most: number;
  readonly #sizeOf: (line: T) => number;
  readonly #head: T[] = [];
  #headSize = 0;
  /** Those before the start are let go. */
  #tail: (T | undefined)[] = [];
  #tailStart = 0;
  #tailSize = 0;
  #omitted = 0;

  /**
   * @param most What the sizes of the first lines that are kept may add up to,
   * and once more those of the last.
   * @param sizeOf The size of a line.
   */
  constructor(most: number, sizeOf: (line: T) => number) {
    this.#most = most;
    this.#sizeOf = sizeOf;
  }

  add(line: T): void {
    const size = this.#sizeOf(line);
    if (
      this.#tail.length === 0 && this.#omitted === 0 &&
      this.#headSize + size <= this.#most
    ) {
      this.#head.push(line);
      this.#headSize += size;
      return;
    }
    this.#tail.push(line);
    this.#tailSize += size;
    while (
      this.#tailSize > this.#most && this.#tailStart < this.#tail.length
    ) {
      this.#tailSize -= this.#sizeOf(this.#tail[this.#tailStart]!);
      this.#tail[this.#tailStart++] = undefined;
      this.#omitted++;
    }
    if (this.#tailStart > 64 && this.#tailStart * 2 > this.#tail.length) {
      this.#tail = this.#tail.slice(this.#tailStart);
      this.#tailStart = 0;
    }
  }

  /** Lets go of all but the count. */
  clear(): void {
    this.#omitted += this.#head.length + this.#tail.length - this.#tailStart;
    this.#head.length = 0;
    this.#tail = [];
    this.#tailStart = this.#headSize = this.#tailSize = 0;
  }

  /** What the sizes of the kept lines add up to. */
  get size(): number {
    return this.#headSize + this.#tailSize;
  }

  get head(): readonly T[] {
    return this.#head;
  }

  /** How many lines between head and tail were let go. */
  get omitted(): number {
    return this.#omitted;
  }

  get tail(): readonly T[] {
    return this.#tail.slice(this.#tailStart) as T[];
  }
}
