import { shortened } from "../../report/shortened.ts";

/**
 * How many lines of a command's output, and of its stderr, a failure quotes.
 */
export const QUOTED_LINES = 10;
/** Characters of such a line, at most. */
const LONGEST_LINE = 1000;

/**
 * Turns output into text as it comes. Bytes that are not UTF-8 become U+FFFD.
 */
export class OutputText {
  /** Made for the first bytes: many commands print nothing. */
  #decoder?: TextDecoder;
  #text = "";

  /** Takes the next bytes, and does not keep them. */
  push(chunk: Uint8Array): void {
    this.#decoder ??= new TextDecoder("utf-8", { ignoreBOM: true });
    this.#text += this.#decoder.decode(chunk, { stream: true });
  }

  /** Ends the output, and returns the whole text. */
  end(): string {
    return this.#text += this.#decoder?.decode() ?? "";
  }
}

/** Turns a whole output into text. Bytes that are not UTF-8 become U+FFFD. */
export function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/**
 * Makes the end of a failure's message from the last lines of an output. It
 * leaves out the middle of a line of more than 1000 characters.
 *
 * @param output The whole output.
 * @param stderr What the message says of the command's stderr. Default: "".
 */
export function lastLines(output: string, stderr = ""): string {
  if (output.trim() === "") return stderr;
  const lines = output.trimEnd().split("\n").slice(-QUOTED_LINES)
    .map((line) => shortened(line, LONGEST_LINE));
  // No word of the driver's stands in a line of the guest's.
  return `; its output ended with:\n${lines.join("\n")}` +
    stderr.replace(/^; /, "\n");
}
