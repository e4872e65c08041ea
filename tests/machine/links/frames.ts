/** A frame with its length before it, filled with its number. */
export function framed(number: number, length = 64): Uint8Array {
  const bytes = new Uint8Array(4 + length).fill(number & 0xff);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}

/** One end of a pipe of bytes in memory, which takes any number of them. */
export class MemoryStream {
  #chunks: Uint8Array[] = [];
  #wake?: () => void;
  #isOver = false;

  read = async (buffer: Uint8Array): Promise<number | null> => {
    while (this.#chunks.length === 0) {
      if (this.#isOver) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const [chunk] = this.#chunks;
    const count = Math.min(buffer.length, chunk.length);
    buffer.set(chunk.subarray(0, count));
    if (count === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(count);
    return count;
  };

  write = (bytes: Uint8Array): Promise<number> => {
    this.#chunks.push(bytes.slice());
    this.#wake?.();
    return Promise.resolve(bytes.length);
  };

  close = (): void => {
    this.#isOver = true;
    this.#wake?.();
  };
}
