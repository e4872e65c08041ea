import { type ByteStream, isClosedError, writeAll } from "../stream/mod.ts";
import { ShellLost } from "./errors.ts";
import { type PortListener, PortReader } from "./port_reader.ts";

/** A port that leads into the guest, and the name it bears there. */
export interface ShellPort {
  /**
   * The name under `/sys/class/virtio-ports`: `vw.<n>` carries commands,
   * `vw.err.<n>` their stderr where it is wanted apart.
   */
  name: string;
  /** The host's end. */
  stream: ByteStream;
}

/** The host's end of a port: one write after the other, and what comes. */
export class PortStream {
  /** The port's name in the guest. */
  readonly name: string;
  readonly #stream: ByteStream;
  readonly #reader: PortReader;
  #writing: Promise<void> = Promise.resolve();

  constructor({ name, stream }: ShellPort, token: string) {
    this.name = name;
    this.#stream = stream;
    this.#reader = new PortReader(token);
  }

  /** Whether nothing is read, since what came is still worked at. */
  get isHeldUp(): boolean {
    return this.#reader.isHeldUp;
  }

  /** Tells `listener` what comes, until the stream ends. */
  listen(listener: PortListener): void {
    this.#reader.read(this.#stream, listener)
      .finally(() => this.#reader[Symbol.dispose]());
  }

  /**
   * Writes after what was written before, if that is still `due`.
   *
   * @throws {ShellLost} where the other end is gone.
   */
  write(bytes: Uint8Array, due: () => boolean): Promise<void> {
    const written = this.#writing.then(async () => {
      if (!due()) return;
      try {
        await writeAll(this.#stream, bytes);
      } catch (error) {
        if (!isClosedError(error)) throw error;
        throw new ShellLost("The guest's port was closed");
      }
    });
    this.#writing = written.catch(() => {});
    return written;
  }

  /** Writes what comes next once that is fulfilled. */
  hold(until: Promise<void>): void {
    this.#writing = this.#writing.then(() => until);
  }

  /** Closes the stream. */
  close(): void {
    try {
      this.#stream.close();
    } catch (error) {
      if (!isClosedError(error)) throw error;
    }
  }
}
