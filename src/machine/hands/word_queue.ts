/** Words that come on lines of their own, for somebody who waits for each. */
export class WordQueue {
  readonly #decoder = new TextDecoder();
  #text = "";
  #failure?: { error: unknown };
  #changed = Promise.withResolvers<void>();

  /** Takes what was written. */
  push(chunk: Uint8Array): void {
    this.#text += this.#decoder.decode(chunk, { stream: true });
    this.#change();
  }

  /** Nothing will be written any more. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#change();
  }

  /**
   * Waits for the next line.
   *
   * @throws What it failed with, where no line comes any more.
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
