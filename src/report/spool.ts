import process from "node:process";
import { writeAllSync } from "../stream/mod.ts";
import type { ChunkId } from "./page_format.ts";

/** The smallest size of a chunk, in bytes, that is worth compressing. */
const worthCompressing = 4096;
/** Bytes that are copied at once. */
const copied = 1 << 18;
/** Bytes that become base64 at once: a multiple of three. */
const inBase64 = 3 << 13;
/** Bytes of room for a chunk that wait for the next one. */
const mostRoom = 1 << 20;

const encoder = new TextEncoder();

interface Place {
  readonly offset: number;
  readonly length: number;
}

/**
 * The chunks of a page, in a file without a name: they take no memory, and
 * disappear with the process, whatever its end.
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

  /** Keeps a chunk, given in parts, and returns its number. */
  add(
    parts: Parts,
    options: { compress?: boolean } = {},
  ): ChunkId {
    const id = this.#places.length;
    const bytes = element(id, parts, options);
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
  element(chunk: ChunkId): Uint8Array<ArrayBuffer> {
    const { offset, length } = this.#places[chunk];
    const element = new Uint8Array(length);
    let at = 0;
    this.#read(offset, offset + length, new Uint8Array(length), (bytes) => {
      element.set(bytes, at);
      at += bytes.length;
    });
    return element;
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

/** The contents of a chunk, one after the other. */
export type Parts = Iterable<string | Uint8Array>;

/**
 * A chunk as an element of a page, in ASCII. Its contents are in base64, so
 * that they can't end the element.
 *
 * @param id Its number, or another id of the element.
 * @param parts Its contents, one after the other.
 * @param options.compress Whether to compress it if that is worth the time.
 * Default: yes.
 */
export function element(
  id: ChunkId | string,
  parts: Parts,
  options: { compress?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  const bytes = joined(parts);
  const compress = (options.compress ?? true) &&
    bytes.length >= worthCompressing;
  const kept = compress ? gzip(bytes) : bytes;
  const name = typeof id === "string" ? id : `c${id}`;
  const how = compress ? ` data-gzip=""` : "";
  const begin = `<script type="text/plain" id="${name}"${how}>`;
  const end = "</script>\n";
  const length = begin.length + 4 * Math.ceil(kept.length / 3) + end.length;
  const element = new Uint8Array(length);
  let used = 0;
  const add = (text: string) => {
    used += encoder.encodeInto(text, element.subarray(used)).written;
  };
  add(begin);
  for (let at = 0; at < kept.length; at += inBase64) {
    add(kept.subarray(at, at + inBase64).toBase64());
  }
  add(end);
  return element;
}

/** Room for the parts of a chunk, which the next one takes again. */
let room = new Uint8Array(0);

/** All parts in a row, valid until the next call. */
function joined(parts: Parts): Uint8Array {
  let bytes = room;
  let used = 0;
  const make = (length: number) => {
    if (used + length <= bytes.length) return;
    const more = new Uint8Array(Math.max(2 * bytes.length, used + length));
    more.set(bytes.subarray(0, used));
    bytes = more;
  };
  for (const part of parts) {
    if (typeof part === "string") {
      // A character takes three bytes of UTF-8 at most.
      make(3 * part.length);
      used += encoder.encodeInto(part, bytes.subarray(used)).written;
    } else {
      make(part.length);
      bytes.set(part, used);
      used += part.length;
    }
  }
  if (bytes.length <= mostRoom) room = bytes;
  return bytes.subarray(0, used);
}

/** Loaded only when something is compressed, because not every run needs it. */
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
