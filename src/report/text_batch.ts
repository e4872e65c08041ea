/** Above this many bytes a batch is not worth waiting for more. */
const enough = 1 << 14;
/** Characters that are encoded at once: to encode each piece for itself is dear. */
const encodedAtOnce = 512;

const encoder = new TextEncoder();

/**
 * Gathers pieces of text and hands them over as one, in UTF-8, when the running
 * piece of the program is done: thousands of lines that come at once cost one
 * write, and none waits for anything.
 *
 * It holds bytes and no strings: thousands of strings that live for a moment
 * would make V8 give all young objects several times the room that the text
 * needs.
 */
export class TextBatch {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #bytes = new Uint8Array(enough + 3 * encodedAtOnce);
  #used = 0;
  #pending = "";
  #scheduled = false;
  /** Why a write has failed whose caller was gone. */
  #failure: { error: unknown } | undefined;

  /**
   * Begins with nothing.
   *
   * @param write Takes the bytes of whole pieces, which are valid until it
   * returns. If it throws later than a call, the next call throws that.
   */
  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  /** Adds a piece. */
  add(text: string): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#pending += text;
    if (this.#pending.length >= encodedAtOnce) this.#encode();
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        try {
          this.flush();
        } catch (error) {
          this.#failure = { error };
        }
      });
    }
  }

  /** Hands over what there is. */
  flush(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#encode();
    this.#handOver();
  }

  #encode(): void {
    const text = this.#pending;
    this.#pending = "";
    // A character takes three bytes of UTF-8 at most.
    if (this.#used + 3 * text.length > this.#bytes.length) this.#handOver();
    if (3 * text.length > this.#bytes.length) {
      this.#write(encoder.encode(text));
      return;
    }
    const { written } = encoder.encodeInto(
      text,
      this.#bytes.subarray(this.#used),
    );
    this.#used += written;
    if (this.#used >= enough) this.#handOver();
  }

  #handOver(): void {
    if (this.#used === 0) return;
    const bytes = this.#bytes.subarray(0, this.#used);
    this.#used = 0;
    this.#write(bytes);
  }
}
