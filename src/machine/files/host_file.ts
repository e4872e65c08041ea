import { UsageError } from "../../errors.ts";

/** Bytes of a file that are read at once. */
const PIECE = 256 * 1024;
/** Bytes of a file whose size is told as none, which are held in memory. */
const LONGEST_UNTOLD = 64 * 1024 * 1024;

/**
 * A file of the host that is read for a copy. The size is known before the
 * content is sent, and true also for files of which stat(2) tells another, as
 * those in `/proc` and `/sys`.
 */
export class HostFile implements Disposable {
  /** How many bytes {@linkcode bytes} gives. */
  readonly size: number;
  /** Its permissions. */
  readonly mode: number;
  /** When it was changed last, in seconds since 1970. */
  readonly time: number;
  /** Bytes that were missing in the end, with zeros in their place. */
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

  /** @throws {UsageError} for a file that grows while it is read, without end. */
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
      // Most files that are said to be empty are.
      for (let wanted = 512;; wanted = PIECE) {
        const piece = await read(file, wanted);
        if (piece.length > 0) pieces.push(piece);
        size += piece.length;
        if (piece.length < wanted) break;
        if (size <= LONGEST_UNTOLD) continue;
        throw new UsageError(
          `Expected a file with an end, got ${path}, which is said to be ` +
            `empty and has more than ${LONGEST_UNTOLD} bytes`,
        );
      }
      return new HostFile(file, info, pieces, size);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Exactly {@linkcode size} bytes, whatever happens to the file meanwhile. */
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

/** The permissions that a copy gets. */
export function permissions(info: Deno.FileInfo): number {
  return (info.mode ?? (info.isDirectory ? 0o755 : 0o644)) & 0o7777;
}

/** When something was changed last, in whole seconds since 1970. */
export function seconds(info: Deno.FileInfo): number {
  return Math.max(0, Math.floor((info.mtime?.getTime() ?? 0) / 1000));
}

/** Up to `wanted` bytes; fewer only at the end of the file. */
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
