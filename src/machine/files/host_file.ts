import { UsageError } from "../../errors.ts";

/** Bytes of a file that one read takes. */
const PIECE = 256 * 1024;
/**
 * Bytes of the longest file with a reported size of 0, which the driver holds
 * in memory.
 */
const LONGEST_UNTOLD = 64 * 1024 * 1024;

/**
 * A file of the host that is read for a copy. Its size is known before the
 * content is sent. It is right even for files for which stat(2) reports
 * another, as in `/proc` and `/sys`.
 */
export class HostFile implements Disposable {
  /** How many bytes {@linkcode bytes} yields. */
  readonly size: number;
  /** Its permissions. */
  readonly mode: number;
  /** The time of the last change, in seconds since 1970. */
  readonly time: number;
  /** How many bytes were missing at the end. Zeros replace them. */
  missing = 0;
  readonly #file: Deno.FsFile;
  readonly #first: Uint8Array[];

  private constructor(
    file: Deno.FsFile,
    info: Deno.FileInfo,
    first: Uint8Array[],
    size: number,
  ) {
    this.#file = file;
    this.#first = first;
    this.size = size;
    this.mode = permissions(info);
    this.time = seconds(info);
  }

  /** @throws {UsageError} if the file grows without end while this reads it. */
  static async open(path: string): Promise<HostFile> {
    const file = await Deno.open(path);
    try {
      const info = await file.stat();
      if (info.size > 0) {
        const first = await read(file, Math.min(info.size, PIECE));
        const isAll = first.length < Math.min(info.size, PIECE);
        return new HostFile(
          file,
          info,
          [first],
          isAll ? first.length : info.size,
        );
      }
      const pieces: Uint8Array[] = [];
      let size = 0;
      // Most files with a reported size of 0 are empty.
      for (let wanted = 512;; wanted = PIECE) {
        const piece = await read(file, wanted);
        if (piece.length > 0) pieces.push(piece);
        size += piece.length;
        if (piece.length < wanted) break;
        if (size <= LONGEST_UNTOLD) continue;
        throw new UsageError(
          `Expected a file that ends, got ${path}, which has more than ` +
            `${LONGEST_UNTOLD} bytes, though its reported size is 0`,
        );
      }
      return new HostFile(file, info, pieces, size);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * Yields exactly {@linkcode size} bytes, whatever happens to the file
   * meanwhile.
   */
  async *bytes(): AsyncGenerator<Uint8Array> {
    let left = this.size;
    for (const piece of this.#first) {
      yield piece;
      left -= piece.length;
    }
    while (left > 0) {
      const piece = new Uint8Array(Math.min(left, PIECE));
      const count = this.missing > 0 ? null : await this.#file.read(piece);
      if (count === null) this.missing += piece.length;
      yield piece.subarray(0, count ?? piece.length);
      left -= count ?? piece.length;
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** The permissions of a copy. */
export function permissions(info: Deno.FileInfo): number {
  return (info.mode ?? (info.isDirectory ? 0o755 : 0o644)) & 0o7777;
}

/** The time of the last change, in whole seconds since 1970. */
export function seconds(info: Deno.FileInfo): number {
  return Math.max(0, Math.floor((info.mtime?.getTime() ?? 0) / 1000));
}

/** Reads up to `wanted` bytes; fewer only at the end of the file. */
async function read(file: Deno.FsFile, wanted: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(wanted);
  let size = 0;
  while (size < wanted) {
    const count = await file.read(bytes.subarray(size));
    if (count === null) break;
    size += count;
  }
  return bytes.subarray(0, size);
}
