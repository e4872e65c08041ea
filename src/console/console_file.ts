import { writeAllSync } from "../stream/mod.ts";

/**
 * The bytes of a console on disk, appended as they come. The operating system
 * has them at once, so a driver that is killed loses none.
 */
export class ConsoleFile {
  readonly #path: string;
  #file: Deno.FsFile | undefined;
  #length = 0;

  constructor(path: string) {
    this.#path = path;
    Deno.openSync(path, { write: true, create: true, truncate: true }).close();
    // In append mode every write goes to the end, wherever the last read was.
    this.#file = Deno.openSync(path, { read: true, append: true });
  }

  /** How many bytes it holds. */
  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    writeAllSync(this, bytes);
  }

  /**
   * Appends some of `bytes`. If the disk gets full, the file has a part of
   * them.
   */
  writeSync(bytes: Uint8Array): number {
    const written = this.#file!.writeSync(bytes);
    this.#length += written;
    return written;
  }

  /** Reads from an offset into a buffer. Returns the part that was filled. */
  read(offset: number, into: Uint8Array): Uint8Array {
    const file = this.#file ?? Deno.openSync(this.#path, { read: true });
    try {
      const wanted = Math.max(
        0,
        Math.min(into.length, this.#length - offset),
      );
      file.seekSync(offset, Deno.SeekMode.Start);
      let got = 0;
      while (got < wanted) {
        const count = file.readSync(into.subarray(got, wanted));
        if (count === null) break;
        got += count;
      }
      return into.subarray(0, got);
    } finally {
      if (file !== this.#file) file.close();
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
