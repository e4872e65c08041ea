import { writeAllSync } from "../stream/mod.ts";
import type { Listener, RunEvent } from "./event.ts";
import { pictureHash, readPicture } from "./picture.ts";
import { TextBatch } from "./text_batch.ts";

/** The format and the version of a file of events: its first line. */
export const eventFileHeader = { format: "vmwright-events", version: 1 };

/** A picture of an event in a file. */
export interface WrittenPicture {
  /** Tells one picture from another. */
  readonly hash: string;
  /** The PNG image in base64, where the file has it for the first time. */
  readonly png?: string;
}

/**
 * Writes every event as a line of JSON, as it happens: `README.md` beside this
 * file describes the format. Each picture's image is written once, so that the
 * file is all that a page needs.
 *
 * @example
 * ```ts
 * const log = new Log([new EventFileListener("events.jsonl")]);
 * ```
 */
export class EventFileListener implements Listener {
  /** Path of the file. */
  readonly path: string;
  readonly #batch = new TextBatch((bytes) => this.#write(bytes));
  readonly #pictures = new Set<string>();
  #file: Deno.FsFile | undefined;

  /**
   * Opens the file, empty.
   *
   * @param path Path of the file.
   * @throws {Error} If the file can't be written.
   */
  constructor(path: string) {
    this.path = path;
    this.#file = Deno.openSync(path, {
      write: true,
      create: true,
      truncate: true,
    });
    this.#batch.add(`${JSON.stringify(eventFileHeader)}\n`);
  }

  /** See {@linkcode Listener.on}. */
  on(event: RunEvent): void {
    const line = event.type === "screenshot"
      ? { ...event, picture: this.#picture(event.path) }
      : event;
    this.#batch.add(`${JSON.stringify(line)}\n`);
  }

  /** See {@linkcode Listener.flush}. */
  flush(): void {
    this.#batch.flush();
  }

  /** See {@linkcode Listener.close}. */
  close(): void {
    this.#batch.flush();
    this.#file?.close();
    this.#file = undefined;
  }

  #picture(path: string): WrittenPicture | undefined {
    const bytes = readPicture(path);
    if (bytes === undefined) return undefined;
    const hash = pictureHash(bytes);
    if (this.#pictures.has(hash)) return { hash };
    this.#pictures.add(hash);
    return { hash, png: bytes.toBase64() };
  }

  #write(bytes: Uint8Array): void {
    if (this.#file !== undefined) writeAllSync(this.#file, bytes);
  }
}
