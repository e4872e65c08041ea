/** Above this many characters a batch is not worth waiting for more. */
const enough = 1 << 14;

/**
 * Gathers pieces of text and hands them over as one when the running piece of
 * the program is done: thousands of lines that come at once cost one write, and
 * none waits for anything.
 */
export class TextBatch {
  readonly #write: (text: string) => void;
  #pieces: string[] = [];
  #length = 0;
  #scheduled = false;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  add(text: string): void {
    this.#pieces.push(text);
    this.#length += text.length;
    if (this.#length >= enough) {
      this.flush();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
  }

  flush(): void {
    if (this.#length === 0) return;
    const text = this.#pieces.join("");
    this.#pieces = [];
    this.#length = 0;
    this.#write(text);
  }
}
