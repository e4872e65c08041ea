/** Lines of a command's output, and of its stderr, that a failure quotes. */
export const QUOTED_LINES = 10;

/** Output that becomes text as it comes; what is no UTF-8 becomes U+FFFD. */
export class OutputText {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #text = "";

  /** Takes the next bytes, and does not keep them. */
  push(chunk: Uint8Array): void {
    this.#text += this.#decoder.decode(chunk, { stream: true });
  }

  /** All of it, when no more comes. */
  end(): string {
    return this.#text += this.#decoder.decode();
  }
}

/** The whole of an output as text; what is no UTF-8 becomes U+FFFD. */
export function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** The end of a command's output, as the end of a failure's message. */
export function lastLines(output: string): string {
  if (output.trim() === "") return "";
  const lines = output.trimEnd().split("\n").slice(-QUOTED_LINES);
  return `; its output ended with:\n${lines.join("\n")}`;
}
