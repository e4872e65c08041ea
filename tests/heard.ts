/** The text of a stream. A test can wait for parts of it. */
export class Heard {
  #text = "";
  /** Where the text of the last wait ends. */
  #at = 0;
  #news = Promise.withResolvers<void>();
  #hasEnded = false;
  /** The whole text, once the stream has ended. */
  readonly whole: Promise<string>;

  /** Listens from now on. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.whole = this.#listen(stream.pipeThrough(new TextDecoderStream()));
  }

  /** The text so far. */
  get text(): string {
    return this.#text;
  }

  /** Waits for text after the text of the last wait. */
  async said(part: string): Promise<void> {
    for (;;) {
      const at = this.#text.indexOf(part, this.#at);
      if (at >= 0) {
        this.#at = at + part.length;
        return;
      }
      await this.#more(part);
    }
  }

  /** Waits for a match after the text of the last wait, and returns it. */
  async matched(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#text.slice(this.#at));
      if (match !== null) {
        this.#at += match.index + match[0].length;
        return match;
      }
      await this.#more(pattern);
    }
  }

  async #more(awaited: string | RegExp): Promise<void> {
    if (this.#hasEnded) {
      throw new Error(`Expected ${awaited}, got ${this.#text}`);
    }
    await this.#news.promise;
  }

  async #listen(stream: ReadableStream<string>): Promise<string> {
    for await (const text of stream) {
      this.#text += text;
      this.#tell();
    }
    this.#hasEnded = true;
    this.#tell();
    return this.#text;
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
