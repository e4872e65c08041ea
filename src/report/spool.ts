import process from "node:process";
import { writeAllSync } from "../stream/mod.ts";
import type { ChunkId } from "./page_format.ts";

/** Bytes from which on it pays to compress a chunk. */
const worthCompressing = 4096;
/** Bytes that are copied at once. */
const copied = 1 << 18;

const encoder = new TextEncoder();

interface Place {
  readonly offset: number;
  readonly length: number;
}

/**
 * The chunks of a page in a file that has no name: they take no memory, and
 * nothing is left of them whatever happens to the process.
 */
export class Spool implements Disposable {
  #file: Deno.FsFile | undefined;
  #end = 0;
  readonly #places: Place[] = [];

  /** How many chunks there are. */
  get count(): number {
    return this.#places.length;
  }

  /** Bytes of all chunks. */
  get size(): number {
    return this.#end;
  }

  /** Bytes of a chunk, as it stands on a page. */
  sizeOf(chunk: ChunkId): number {
    return this.#places[chunk].length;
  }

  /** Keeps a chunk, given in parts, and answers its number. */
  add(
    parts: readonly (string | Uint8Array)[],
    options: { compress?: boolean } = {},
  ): ChunkId {
    const id = this.#places.length;
    const bytes = encoder.encode(element(id, parts, options));
    this.#file ??= nameless();
    this.#file.seekSync(this.#end, Deno.SeekMode.Start);
    writeAllSync(this.#file, bytes);
    this.#places.push({ offset: this.#end, length: bytes.length });
    this.#end += bytes.length;
    return id;
  }

  /** Writes chunks to a file, as elements of a page. */
  copy(target: Deno.FsFile, isWanted: (chunk: ChunkId) => boolean): void {
    const buffer = new Uint8Array(copied);
    let at = 0;
    while (at < this.#places.length) {
      if (!isWanted(at)) {
        at++;
        continue;
      }
      const { offset } = this.#places[at];
      while (at < this.#places.length && isWanted(at)) at++;
      const last = this.#places[at - 1];
      this.#read(offset, last.offset + last.length, buffer, (bytes) => {
        writeAllSync(target, bytes);
      });
    }
  }

  /** A chunk as it stands on a page. */
  element(chunk: ChunkId): string {
    const { offset, length } = this.#places[chunk];
    const decoder = new TextDecoder();
    let text = "";
    this.#read(offset, offset + length, new Uint8Array(length), (bytes) => {
      text += decoder.decode(bytes, { stream: true });
    });
    return text;
  }

  #read(
    from: number,
    to: number,
    buffer: Uint8Array,
    take: (bytes: Uint8Array) => void,
  ): void {
    this.#file!.seekSync(from, Deno.SeekMode.Start);
    for (let at = from; at < to;) {
      const most = Math.min(buffer.length, to - at);
      const read = this.#file!.readSync(buffer.subarray(0, most));
      if (read === null) throw new Error("Expected more of the page's data");
      take(buffer.subarray(0, read));
      at += read;
    }
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

/**
 * A chunk as an element of a page. What is in it can't end the element, as it
 * stands in base64.
 *
 * @param id Its number.
 * @param parts What is in it, one after the other.
 * @param options.compress Whether to compress it where that pays. Default: yes.
 */
export function element(
  id: ChunkId,
  parts: readonly (string | Uint8Array)[],
  options: { compress?: boolean } = {},
): string {
  const bytes = joined(parts);
  const compress = (options.compress ?? true) &&
    bytes.length >= worthCompressing;
  const kept = compress ? gzip(bytes) : bytes;
  const base64 = (kept as Uint8Array & { toBase64(): string }).toBase64();
  const how = compress ? ` data-gzip=""` : "";
  return `<script type="text/plain" id="c${id}"${how}>${base64}</script>\n`;
}

function joined(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const all = parts.map((part) =>
    typeof part === "string" ? encoder.encode(part) : part
  );
  if (all.length === 1) return all[0];
  const bytes = new Uint8Array(all.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of all) {
    bytes.set(one, at);
    at += one.length;
  }
  return bytes;
}

/** Loaded where something is compressed: not every run says as much. */
function gzip(bytes: Uint8Array): Uint8Array {
  return process.getBuiltinModule("node:zlib").gzipSync(bytes, { level: 6 });
}

/** A file that goes with the process. */
function nameless(): Deno.FsFile {
  const path = Deno.makeTempFileSync({ prefix: "vmwright-page-" });
  try {
    return Deno.openSync(path, { read: true, write: true });
  } finally {
    Deno.removeSync(path);
  }
}
