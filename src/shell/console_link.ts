import { type ByteStream, isClosedError, writeAll } from "../stream/mod.ts";
import { Backlog } from "./backlog.ts";
import { type Message, parseMessage } from "./message.ts";

/** The greeting of the backdoor service: its shell reads commands. */
export const GREETING = "Spawning backdoor root shell...";

/**
 * A line without an end is noise. At least so many characters of its tail are
 * kept.
 */
const LONGEST_LINE = 1024 * 1024;

/** What the guest sends over the backdoor console. */
export interface ConsoleListener {
  /** The backdoor shell (re)started and reads commands. */
  greeting(): void;
  /** A message of the guest's side. */
  message(message: Message): void;
  /** A line of another program. */
  noise(line: string): void;
  /** The console's stream has ended. */
  closed(): void;
}

/**
 * The backdoor console (`/dev/hvc0` in the guest). It sends lines, and finds
 * the messages with the session's token in whatever else comes.
 */
export class ConsoleLink {
  readonly #stream: ByteStream;
  #writing: Promise<void> = Promise.resolve();
  readonly #backlog = new Backlog();
  /**
   * Counts shells, so that no text reaches a later shell than the one that it
   * was meant for.
   */
  #shells = 0;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** Sends `text` after everything that was sent before. */
  send(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    const shell = this.#shells;
    this.#writing = this.#writing.then(async () => {
      if (shell === this.#shells) await writeAll(this.#stream, bytes);
    }).catch((error) => {
      if (!isClosedError(error)) throw error;
    });
    this.#backlog.add(this.#writing);
    return this.#writing;
  }

  /** Holds back all further text until a promise is fulfilled. */
  hold(until: Promise<void>): void {
    this.#writing = this.#writing.then(() => until);
  }

  /** Drops text that waits to be sent, because its shell is gone. */
  drop(): void {
    this.#shells++;
  }

  /** Reads the console to its end, and tells `listener` what comes. */
  async read(token: string, listener: ConsoleListener): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    // Messages are ASCII, but noise may be anything. A decoder with one
    // character a byte never gets out of step.
    const decoder = new TextDecoder("latin1");
    let line = "";
    try {
      while (true) {
        if (this.#backlog.isFull) await this.#backlog.room();
        const count = await this.#stream.read(buffer);
        if (count === null) break;
        const text = decoder.decode(buffer.subarray(0, count));
        let start = 0;
        for (let end; (end = text.indexOf("\n", start)) >= 0; start = end + 1) {
          hear(line + text.slice(start, end), token, listener);
          line = "";
        }
        line += text.slice(start);
        // Rarely, since it copies what is kept.
        if (line.length > 2 * LONGEST_LINE) line = line.slice(-LONGEST_LINE);
      }
    } catch (error) {
      if (!isClosedError(error)) throw error;
    }
    if (line !== "") listener.noise(line);
    listener.closed();
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

function hear(line: string, token: string, listener: ConsoleListener): void {
  const at = line.indexOf(token);
  if (at >= 0) {
    if (at > 0) listener.noise(line.slice(0, at));
    const message = parseMessage(line.slice(at + token.length));
    if (message !== undefined) listener.message(message);
  } else if (line.includes(GREETING)) {
    listener.greeting();
  } else {
    listener.noise(line);
  }
}
