/** A queue of words, which come on separate lines. */
export class WordQueue {
  readonly #decoder = new TextDecoder();
  #text = "";
  #failure?: { error: unknown };
  #changed = Promise.withResolvers<void>();

  /** Takes the next text. */
  push(chunk: Uint8Array): void {
    this.#text += this.#decoder.decode(chunk, { stream: true });
    this.#change();
  }

  /** Ends the queue. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#change();
  }

  /**
   * Waits for the next line.
   *
   * @throws The error that the queue has ended with, if no line comes any more.
   */
  async next(): Promise<string> {
    while (true) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const word = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return word;
      }
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#changed.promise;
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
