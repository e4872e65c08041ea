import { MachineError } from "../../errors.ts";
import { writeAll } from "../../stream/mod.ts";

/** Bytes that are moved at once. */
const PIECE = 64 * 1024;

/**
 * A new file in the directory that the host shares with its guests, for one
 * copy.
 *
 * Whatever is in that directory is the guest's: it may put a link, a pipe or a
 * directory in any place there, at any moment. So the driver makes the file
 * itself, where nothing was, directly in the directory, whose own path the
 * guest can't change; and works only with the file it opened by that. Of what
 * the guest puts there it opens nothing.
 */
export class SharedFile implements Disposable {
  /** Where the guest finds it. */
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
   * @param warn Is told where the file can't be removed.
   */
  constructor(
    directory: string,
    machine: string,
    warn: (text: string) => void,
  ) {
    // Nobody can put something in the place of a name that can't be guessed.
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

  /** Gives it a time, in seconds since 1970. */
  setTime(seconds: number): void {
    this.#file.utimeSync(seconds, seconds);
  }

  /**
   * What is in it. What the guest adds meanwhile is not: that could go on
   * without end.
   */
  async *bytes(): AsyncGenerator<Uint8Array> {
    const { size } = await this.#file.stat();
    await this.#file.seek(0, Deno.SeekMode.Start);
    const buffer = new Uint8Array(PIECE);
    for (let left = size; left > 0;) {
      const count = await this.#file.read(
        buffer.subarray(0, Math.min(left, PIECE)),
      );
      // The guest made it shorter.
      if (count === null) return;
      yield buffer.subarray(0, count);
      left -= count;
    }
  }

  /** @throws {MachineError} where the guest has put something else in its place. */
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
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** Removes it, or a single thing that the guest put in its place. */
  [Symbol.dispose](): void {
    this.#file.close();
    try {
      Deno.removeSync(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      // It goes with the run.
      this.#warn(
        `${this.#path} can't be removed yet: ${(error as Error).message}`,
      );
    }
  }
}
