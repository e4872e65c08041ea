import { type ByteStream, isClosedError, writeAll } from "../stream/mod.ts";
import { Backlog } from "./backlog.ts";
import { ShellLost } from "./errors.ts";
import { type PortListener, PortReader } from "./port_reader.ts";

/** A port that leads into the guest, and the name it bears there. */
export type ShellPort = FixedPort | DialledPort;

/** A port that is there as long as the guest is, as a virtio port. */
export interface FixedPort {
  /**
   * The name under `/sys/class/virtio-ports`: `vw.<n>` carries commands,
   * `vw.err.<n>` their stderr if that is separate.
   */
  name: string;
  /** The host's end. */
  stream: ByteStream;
}

/** A port that is a connection to the guest, one after the other. */
export interface DialledPort {
  /** A name of its own, `vw.<n>`. */
  name: string;
  /**
   * Makes a connection whose other end is a bash of its own, with the
   * connection as its stdin and stdout. It tries until it has one.
   *
   * @param signal Ends the tries.
   */
  dial: (signal: AbortSignal) => Promise<ByteStream>;
}

/** The bytes of a port, and its end. */
export interface PortStreamListener extends PortListener {
  /** A connection that was dialled has ended. */
  ended?(): void;
}

/** The host's end of a port: writes one after the other, and reads. */
export class PortStream {
  /** The port's name in the guest. */
  readonly name: string;
  /** Makes a connection, if the port is one. */
  readonly dial?: DialledPort["dial"];
  readonly #token: string;
  #stream?: ByteStream;
  #reader?: PortReader;
  #listener?: PortStreamListener;
  #writing: Promise<void> = Promise.resolve();
  readonly #backlog = new Backlog();
  #reading: Promise<void> = Promise.resolve();
  /** The connections that only children in the guest still use. */
  readonly #left = new Set<ByteStream>();
  #isClosed = false;

  constructor(port: ShellPort, token: string) {
    this.name = port.name;
    this.#token = token;
    if ("dial" in port) this.dial = port.dial;
    else this.#stream = port.stream;
  }

  /**
   * Whether it reads nothing because a listener still works at earlier bytes.
   */
  get isHeldUp(): boolean {
    return this.#reader?.isHeldUp ?? false;
  }

  /** Settled when all that came was read, and the stream has ended. */
  get end(): Promise<void> {
    return this.#reading;
  }

  /** Tells `listener` what comes, until the stream ends. */
  listen(listener: PortStreamListener): void {
    this.#listener = listener;
    if (this.#stream !== undefined) this.#reading = this.#read(this.#stream);
  }

  /** Continues with a connection that was dialled. */
  connect(stream: ByteStream): void {
    if (this.#isClosed) return closeQuietly(stream);
    this.#stream = stream;
    this.#reading = this.#read(stream);
  }

  /**
   * Gives its connection up. A child that has it can go on writing, unless the
   * connection is closed: then its next write ends the child.
   */
  leave({ close }: { close: boolean }): void {
    const stream = this.#stream;
    this.#stream = undefined;
    // Bytes that wait to be written were for the old connection.
    this.#writing = Promise.resolve();
    if (stream === undefined) return;
    if (close) closeQuietly(stream);
    else this.#left.add(stream);
  }

  async #read(stream: ByteStream): Promise<void> {
    using reader = this.#reader = new PortReader(this.#token);
    const listener = this.#listener!;
    const isMine = () => this.#stream === stream;
    await reader.read(this.#withRoom(stream), {
      data: (bytes) => isMine() ? listener.data(bytes) : undefined,
      code: (code) => isMine() ? listener.code(code) : undefined,
      taken: () => isMine() ? listener.taken?.() : undefined,
    });
    this.#left.delete(stream);
    if (this.dial === undefined) return;
    closeQuietly(stream);
    if (!isMine()) return;
    this.#stream = undefined;
    listener.ended?.();
  }

  /** The stream, which is read no further while too much waits for it. */
  #withRoom(stream: ByteStream): ByteStream {
    const backlog = this.#backlog;
    return {
      read: (buffer) =>
        backlog.isFull
          ? backlog.room().then(() => stream.read(buffer))
          : stream.read(buffer),
      write: (bytes) => stream.write(bytes),
      close: () => stream.close(),
    };
  }

  /**
   * Writes after all earlier writes, if these bytes are still `due` then.
   *
   * @throws {ShellLost} if the other end is gone.
   */
  write(bytes: Uint8Array, due: () => boolean): Promise<void> {
    const written = this.#writing.then(async () => {
      if (!due()) return;
      try {
        if (this.#stream !== undefined) {
          return await writeAll(this.#stream, bytes);
        }
      } catch (error) {
        if (!isClosedError(error)) throw error;
      }
      throw new ShellLost("The guest's port was closed");
    });
    this.#writing = written.catch(() => {});
    this.#backlog.add(this.#writing);
    return written;
  }

  /** Holds back all further writes until a promise is fulfilled. */
  hold(until: Promise<void>): void {
    this.#writing = this.#writing.then(() => until);
  }

  /** Closes the stream. */
  close(): void {
    this.#isClosed = true;
    for (const stream of this.#left) closeQuietly(stream);
    if (this.#stream !== undefined) closeQuietly(this.#stream);
  }
}

function closeQuietly(stream: ByteStream): void {
  try {
    stream.close();
  } catch (error) {
    if (!isClosedError(error)) throw error;
  }
}
