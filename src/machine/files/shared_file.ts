import { MachineError } from "../../errors.ts";
import { writeAll } from "../../stream/mod.ts";

/** Bytes that one read or write takes. */
const PIECE = 64 * 1024;

/**
 * A new file in the directory that the host shares with its guests, for one
 * copy.
 *
 * The guest controls that directory: it may put a link, a pipe or a directory
 * in any place there, at any moment. So the driver itself makes the file, where
 * nothing was before. It makes it directly in the directory, whose own path the
 * guest can't change, and then uses only the open file. It opens nothing that
 * the guest has put there.
 */
export class SharedFile implements Disposable {
  /** The file's path in the guest. */
  readonly guestPath: string;
  readonly #machine: string;
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #warn: (text: string) => void;

  /**
   * Makes the file.
   *
   * @param directory The shared directory, on the host.
   * @param machine The name of the machine that the copy is for.
   * @param warn Gets a warning if the file can't be removed.
   */
  constructor(
    directory: string,
    machine: string,
    warn: (text: string) => void,
  ) {
    // The name can't be guessed, so nobody can have put something in its place.
    const name = `copy-${crypto.randomUUID()}`;
    this.#machine = machine;
    this.#path = `${directory}/${name}`;
    this.guestPath = `/tmp/shared/${name}`;
    this.#warn = warn;
    this.#file = Deno.openSync(this.#path, {
      read: true,
      write: true,
      createNew: true,
      mode: 0o600,
    });
  }

  /** Writes all of `bytes` to it. */
  async write(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of bytes) {
      await writeAll(this.#file, chunk);
    }
  }

  /** Sets its time, in seconds since 1970. */
  setTime(seconds: number): void {
    this.#file.utimeSync(seconds, seconds);
  }

  /**
   * Yields its content, without bytes that the guest adds meanwhile: that could
   * go on without end.
   */
  async *bytes(): AsyncGenerator<Uint8Array> {
    const { size } = await this.#file.stat();
    await this.#file.seek(0, Deno.SeekMode.Start);
    const buffer = new Uint8Array(PIECE);
    for (let left = size; left > 0;) {
      const count = await this.#file.read(
        buffer.subarray(0, Math.min(left, PIECE)),
      );
      // The guest has made it shorter.
      if (count === null) return;
      yield buffer.subarray(0, count);
      left -= count;
    }
  }

  /**
   * @throws {MachineError} if the guest has put something else in its place.
   */
  check(): void {
    if (this.#isThere()) return;
    throw new MachineError(
      `Expected the file of a copy to stay in the shared directory, but ` +
        `${this.#machine} moved or replaced ${this.#path}`,
    );
  }

  #isThere(): boolean {
    const ours = this.#file.statSync();
    try {
      const { dev, ino } = Deno.lstatSync(this.#path);
      return dev === ours.dev && ino === ours.ino;
    } catch {
      return false;
    }
  }

  /** Removes it, or the entry that the guest has put in its place. */
  [Symbol.dispose](): void {
    this.#file.close();
    try {
      Deno.removeSync(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      // It is removed at the end of the run.
      this.#warn(
        `${this.#path} can't be removed yet: ${(error as Error).message}`,
      );
    }
  }
}
