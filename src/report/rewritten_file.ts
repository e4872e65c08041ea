/** Seconds between two writes while the run goes on. */
const interval = 5;

/**
 * A file that is rewritten as a whole, so that it is complete at any moment.
 * Writes that nobody demands are so rare that they cost next to nothing.
 */
export class RewrittenFile {
  readonly #path: string;
  readonly #writeTo: (path: string) => void;
  readonly #regular: boolean;
  #next = 0;

  /**
   * @param path Path of the file; written at once, to find out that it can be.
   * @param writeTo Writes the whole of what the file is to hold to another path.
   * @param options.once Whether this is all that is ever written. Default: no.
   */
  constructor(
    path: string,
    writeTo: (path: string) => void,
    options: { once?: boolean } = {},
  ) {
    this.#path = path;
    this.#writeTo = writeTo;
    this.#regular = isRegularOrMissing(path);
    // A pipe or a device takes one version only, the last.
    if (this.#regular || options.once) this.write();
  }

  /** Something changed. */
  touch(): void {
    if (this.#regular && performance.now() >= this.#next) this.write();
  }

  /** Writes the file now. */
  write(): void {
    const began = performance.now();
    if (this.#regular) {
      const fresh = `${this.#path}.${Deno.pid}.new`;
      try {
        this.#writeTo(fresh);
        Deno.renameSync(fresh, this.#path);
      } catch (error) {
        removeIfThere(fresh);
        throw error;
      }
    } else {
      this.#writeTo(this.#path);
    }
    const now = performance.now();
    this.#next = now + Math.max(interval * 1000, 50 * (now - began));
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It could not even be made.
  }
}

function isRegularOrMissing(path: string): boolean {
  try {
    // Renaming over a link would replace the link, not what it names.
    return Deno.lstatSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}
