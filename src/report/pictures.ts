import type { WrittenPicture } from "./event_file.ts";
import type { ChunkId } from "./page_format.ts";
import { pictureHash, readPicture } from "./picture.ts";
import type { Spool } from "./spool.ts";

/** The pictures of a page, each once, however often it is shown. */
export class Pictures {
  readonly #spool: Spool;
  readonly #most: number;
  readonly #chunks: ChunkId[] = [];
  readonly #numbers = new Map<string, number>();
  #bytes = 0;

  /**
   * @param spool Where they are kept.
   * @param most Bytes of all of them.
   */
  constructor(spool: Spool, most: number) {
    this.#spool = spool;
    this.#most = most;
  }

  /** Their chunks, by their numbers. */
  get chunks(): readonly ChunkId[] {
    return this.#chunks;
  }

  /**
   * Keeps a picture, unless it is known or too much.
   *
   * @param path Its file.
   * @param picture The image, if it is known. Default: the contents of the
   * file.
   * @returns Its number; -1 if the page does not have it.
   */
  add(path: string, picture?: Partial<WrittenPicture>): number {
    const read = picture === undefined ? readPicture(path) : undefined;
    const hash = picture?.hash ?? (read && pictureHash(read));
    if (hash === undefined) return -1;
    const known = this.#numbers.get(hash);
    if (known !== undefined) return known;
    const bytes = read ??
      (picture?.png === undefined ? undefined : decoded(picture.png));
    if (bytes === undefined || this.#bytes + bytes.length > this.#most) {
      return -1;
    }
    this.#bytes += bytes.length;
    const number = this.#chunks.length;
    this.#chunks.push(this.#spool.add([bytes], { compress: false }));
    this.#numbers.set(hash, number);
    return number;
  }
}

function decoded(base64: string): Uint8Array | undefined {
  try {
    const bytes = Uint8Array.fromBase64(base64);
    return bytes[0] === 0x89 && bytes[1] === 0x50 ? bytes : undefined;
  } catch {
    return undefined;
  }
}
