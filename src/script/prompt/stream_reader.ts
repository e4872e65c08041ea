import { isClosedError, writeAll } from "../../stream/mod.ts";
import type { LineReader } from "./line_reader.ts";

/** A stream for lines and text. */
export interface LineStream {
  /** Reads into `buffer`. Returns the number of bytes; `null` at the end. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes some of `bytes`. Returns how many. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Reads lines from a pipe, a file or a socket. */
export class StreamReader implements LineReader {
  readonly colours = false;
  readonly #stream: LineStream;
  readonly #showPrompt: boolean;
  readonly #decoder = new TextDecoder();
  #text = "";
  #ended = false;
  #writing: Promise<void> = Promise.resolve();

  /**
   * Takes the stream.
   *
   * @param options.showPrompt Whether to show the prompt.
   */
  constructor(stream: LineStream, options: { showPrompt: boolean }) {
    this.#stream = stream;
    this.#showPrompt = options.showPrompt;
  }

  /** Reads a line. The last line may have no end. */
  async read(prompt: string): Promise<string | undefined> {
    if (this.#showPrompt) this.#write(prompt);
    const buffer = new Uint8Array(64 * 1024);
    while (true) {
      const end = this.#text.indexOf("\n");
      if (end >= 0 || (this.#ended && this.#text !== "")) {
        const line = end < 0 ? this.#text : this.#text.slice(0, end);
        this.#text = end < 0 ? "" : this.#text.slice(end + 1);
        return line.replace(/\r$/, "");
      }
      if (this.#ended) return undefined;
      const count = await this.#stream.read(buffer).catch((error) => {
        if (isClosedError(error)) return null;
        throw error;
      });
      if (count === null) this.#ended = true;
      else {
        this.#text += this.#decoder.decode(buffer.subarray(0, count), {
          stream: true,
        });
      }
    }
  }

  /** Shows whole lines. */
  print(text: string): void {
    this.#write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** Settled when everything has been written. */
  get written(): Promise<void> {
    return this.#writing;
  }

  /** Keys come only as parts of lines. */
  onInterrupt(): void {}

  /** Its owner closes the stream. */
  [Symbol.dispose](): void {}

  #write(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#writing = this.#writing.then(() => writeAll(this.#stream, bytes))
      .catch(() => {
        // The other end has closed. The next read reports that.
      });
  }
}
