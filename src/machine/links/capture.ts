import type { GuestCard, Mirror } from "../../backend/mod.ts";
import { UsageError } from "../../errors.ts";
import type { ByteStream } from "../../stream/mod.ts";
import { isClosedError, writeAllSync } from "../../stream/mod.ts";
import type { Fault } from "../faults.ts";
import { FrameReader, HEADER } from "./frame_reader.ts";
import {
  interfaceDescription,
  packet,
  type PacketDirection,
  sectionHeader,
} from "./pcapng.ts";

/** A capture of frames in a file. It ends as faults do. */
export interface Capture extends Fault {
  /** The file's path. */
  readonly path: string;
}

/** A file of frames, in the format pcapng. */
export class CaptureFile {
  /** Its path. */
  readonly path: string;
  readonly #file: Deno.FsFile;
  readonly #complain: (text: string) => void;
  readonly #interfaces = new Map<string, number>();
  readonly #reading = new Set<Promise<void>>();
  #mirror?: Mirror;
  /** Bytes of whole blocks. */
  #length = 0;
  #isFull = false;
  #isClosed = false;

  private constructor(
    path: string,
    file: Deno.FsFile,
    complain: (text: string) => void,
  ) {
    this.path = path;
    this.#file = file;
    this.#complain = complain;
    this.#put(sectionHeader());
  }

  /**
   * Makes a file. It takes the place of one with the same name; a capture that
   * still writes to that one writes to a file without a name from then on.
   *
   * @param name Its name in the directory, without `.pcapng`.
   * @param complain Gets a warning if the disk has no more room for it.
   * @throws {UsageError} if the name is not valid.
   */
  static create(
    directory: string,
    name: string,
    complain: (text: string) => void,
  ): CaptureFile {
    if (typeof name !== "string" || !/^[^/\0]+$/.test(name)) {
      throw new UsageError(
        `Expected the name of a file for a capture, got ${Deno.inspect(name)}`,
      );
    }
    const path = `${directory}/${name.replace(/\.pcapng$/, "")}.pcapng`;
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return new CaptureFile(
      path,
      Deno.openSync(path, { write: true, createNew: true }),
      complain,
    );
  }

  /** The number of an interface, which is added if it is new. */
  interface(name: string, description?: string): number {
    let number = this.#interfaces.get(name);
    if (number === undefined) {
      number = this.#interfaces.size;
      this.#interfaces.set(name, number);
      this.#put(interfaceDescription(name, description));
    }
    return number;
  }

  /** Writes frames that have just come. */
  write(
    interfaceNumber: number,
    frames: readonly Uint8Array[],
    direction?: PacketDirection,
  ): void {
    if (this.#isClosed) return;
    const date = performance.timeOrigin + performance.now();
    for (const frame of frames) {
      this.#put(packet(interfaceNumber, date, frame, direction));
    }
  }

  /**
   * Begins to write the frames of a card that copies them, unless it has begun.
   */
  async attach(card: GuestCard, name: string): Promise<void> {
    if (this.#mirror !== undefined) return;
    const number = this.interface(name, card.address);
    const mirror = this.#mirror = await card.mirror?.();
    if (mirror === undefined) return;
    for (
      const [stream, direction] of [
        [mirror.sent, "out"],
        [mirror.received, "in"],
      ] as const
    ) {
      const reading = this.#read(stream, number, direction)
        .finally(() => this.#reading.delete(reading));
      this.#reading.add(reading);
    }
  }

  /** The card is gone, with its guest. */
  detach(): void {
    this.#mirror = undefined;
  }

  /** Ends the file. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const mirror = this.#mirror;
    this.#mirror = undefined;
    await mirror?.remove(async () => void await Promise.all(this.#reading));
    await Promise.all(this.#reading);
    this.#isClosed = true;
    this.#file.close();
  }

  /**
   * Writes a block. Where the disk has no room, the frames go on without a file:
   * nobody else takes them from a card.
   */
  #put(block: Uint8Array): void {
    if (this.#isFull) return;
    try {
      writeAllSync(this.#file, block);
      this.#length += block.length;
    } catch (error) {
      this.#isFull = true;
      this.#file.truncateSync(this.#length);
      this.#complain(
        `no more frames are captured in ${this.path}: ${
          (error as Error).message
        }`,
      );
    }
  }

  async #read(
    stream: ByteStream,
    number: number,
    direction: PacketDirection,
  ): Promise<void> {
    const reader = new FrameReader(stream);
    try {
      while (true) {
        const frames = await reader.next();
        if (frames === null) return;
        const bare = frames.map((frame) => frame.subarray(HEADER));
        this.write(number, bare, direction);
      }
    } catch (error) {
      if (!isClosedError(error)) throw error;
    }
  }
}
