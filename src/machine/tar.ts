/**
 * The part of the tar format that carries files, directories and symbolic
 * links, with GNU's records for long names; see tar(5).
 *
 * @module
 */

import { enter, lookThrough, type Within } from "./through_links.ts";

const BLOCK = 512;
/** Bytes of a file that are read at once. */
const PIECE = 256 * 1024;
const NAME_LENGTH = 100;
/** Bytes of a record, which is held in memory. */
const LONGEST_RECORD = 1024 * 1024;
/** Bytes of a path on Linux, its final NUL aside; PATH_MAX in limits.h. */
const LONGEST_PATH = 4095;

/** Is told the name of what a copy does not take: a device, a pipe or a socket. */
export type LeaveOut = (name: string) => void;

type Kind = "file" | "directory" | "symlink";

const TYPE_FLAGS: Record<Kind, string> = {
  file: "0",
  directory: "5",
  symlink: "2",
};
const HARD_LINK = "1";
const LONG_NAME = "L";
const LONG_LINK = "K";
const PAX = "x";

/** An archive of a file or a tree on the host. */
export class Archive {
  /** Its length in bytes. */
  readonly size: number;
  readonly #entries: Entry[];

  private constructor(entries: Entry[]) {
    this.#entries = entries;
    this.size = entries.reduce(
      (sum, entry) =>
        sum + length(entry.header) + entry.size + padding(entry.size),
      2 * BLOCK,
    );
  }

  /**
   * Looks at what `path` holds, for an archive that has it as `name`. What links
   * lead to is in the archive instead of them.
   *
   * @param leaveOut Is told what is neither file nor directory.
   * @throws {UsageError} where links lead in a circle.
   */
  static async of(
    path: string,
    name: string,
    leaveOut: LeaveOut = () => {},
  ): Promise<Archive> {
    return new Archive(await Array.fromAsync(entries(path, name, leaveOut)));
  }

  /** Its bytes. */
  async *bytes(): AsyncGenerator<Uint8Array> {
    for (const { path, header, size } of this.#entries) {
      yield* header;
      if (size > 0) yield* content(path, size);
      yield new Uint8Array(padding(size));
    }
    yield new Uint8Array(2 * BLOCK);
  }
}

/** What an archive says of a file beside its name and its kind. */
interface Facts {
  mode: number;
  /** Seconds since 1970. */
  time: number;
}

interface Entry {
  path: string;
  header: Uint8Array[];
  size: number;
}

/** Exactly `size` bytes of a file, whatever happens to it meanwhile. */
export async function* content(
  path: string,
  size: number,
): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  for (let left = size; left > 0;) {
    const piece = new Uint8Array(Math.min(left, PIECE));
    const count = await file.read(piece) ?? piece.length;
    yield piece.subarray(0, count);
    left -= count;
  }
}

async function* entries(
  path: string,
  name: string,
  leaveOut: LeaveOut,
  within: Within = [],
): AsyncGenerator<Entry> {
  const info = await lookThrough(path);
  const facts = {
    mode: (info.mode ?? 0o644) & 0o7777,
    time: Math.max(0, Math.floor((info.mtime?.getTime() ?? 0) / 1000)),
  };
  if (info.isSymlink) {
    const target = await Deno.readLink(path);
    yield {
      path,
      header: [...header(name, "symlink", facts, 0, target)],
      size: 0,
    };
  } else if (info.isDirectory) {
    const inside = enter(path, info, within);
    yield {
      path,
      header: [...header(`${name}/`, "directory", facts, 0)],
      size: 0,
    };
    for await (const entry of Deno.readDir(path)) {
      yield* entries(
        `${path}/${entry.name}`,
        `${name}/${entry.name}`,
        leaveOut,
        inside,
      );
    }
  } else if (info.isFile) {
    const { size } = info;
    yield { path, header: [...header(name, "file", facts, size)], size };
  } else leaveOut(path);
}

function length(chunks: Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function* header(
  name: string,
  kind: Kind,
  facts: Facts,
  size: number,
  target = "",
): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  for (const [text, flag] of [[name, LONG_NAME], [target, LONG_LINK]]) {
    const bytes = encoder.encode(text);
    if (bytes.length <= NAME_LENGTH) continue;
    yield block("././@LongLink", flag, facts, bytes.length + 1, "");
    yield bytes;
    yield new Uint8Array(1 + padding(bytes.length + 1));
  }
  yield block(name, TYPE_FLAGS[kind], facts, size, target);
}

function block(
  name: string,
  flag: string,
  facts: Facts,
  size: number,
  target: string,
): Uint8Array {
  const bytes = new Uint8Array(BLOCK);
  const encoder = new TextEncoder();
  const put = (offset: number, length: number, text: string) =>
    bytes.set(encoder.encode(text).subarray(0, length), offset);
  const octal = (value: number, digits: number) =>
    value.toString(8).padStart(digits, "0");
  put(0, NAME_LENGTH, name);
  put(100, 8, octal(facts.mode, 7));
  put(108, 8, octal(0, 7));
  put(116, 8, octal(0, 7));
  // Sizes that eleven octal digits can't hold are written in binary.
  if (size < 8 ** 11) put(124, 12, octal(size, 11));
  else {
    bytes[124] = 0x80;
    new DataView(bytes.buffer).setBigUint64(128, BigInt(size));
  }
  put(136, 12, octal(facts.time, 11));
  put(148, 8, " ".repeat(8));
  put(156, 1, flag);
  put(157, NAME_LENGTH, target);
  put(257, 8, "ustar  \0");
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  put(148, 8, `${octal(sum, 6)}\0 `);
  return bytes;
}

/**
 * Writes the files of an archive that arrives in chunks of any size below a
 * directory of the host, in the place of older ones. Names that would lead out
 * of it are refused.
 */
export class Unarchiver implements Disposable {
  readonly #directory: string;
  readonly #leaveOut: LeaveOut;
  #held = new Uint8Array(0);
  #file?: Deno.FsFile;
  /** Bytes of the file that are still to come, and of the padding after it. */
  #left = 0;
  #padding = 0;
  /** Set while a record's bytes are collected instead of written. */
  #record?: { flag: string; chunks: Uint8Array[] };
  #longName?: string;
  #longLink?: string;

  /**
   * Takes the directory that the files go to.
   *
   * @param leaveOut Is told what is neither file, directory nor link.
   */
  constructor(directory: string, leaveOut: LeaveOut = () => {}) {
    this.#directory = directory;
    this.#leaveOut = leaveOut;
  }

  /**
   * Takes the next bytes.
   *
   * @throws {TypeError} for what is no archive, for names that are no names, or
   * lead out of the directory.
   */
  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#left > 0) {
        const count = Math.min(this.#left, chunk.length - offset);
        this.#take(chunk.subarray(offset, offset + count));
        this.#left -= count;
        offset += count;
        if (this.#left === 0) this.#endOfEntry();
      } else if (this.#padding > 0) {
        const count = Math.min(this.#padding, chunk.length - offset);
        this.#padding -= count;
        offset += count;
      } else {
        const count = Math.min(
          BLOCK - this.#held.length,
          chunk.length - offset,
        );
        this.#held = Uint8Array.from([
          ...this.#held,
          ...chunk.subarray(offset, offset + count),
        ]);
        offset += count;
        if (this.#held.length < BLOCK) return;
        this.#begin(this.#held);
        this.#held = new Uint8Array(0);
      }
    }
  }

  #begin(block: Uint8Array): void {
    if (block.every((byte) => byte === 0)) return;
    const text = (offset: number, length: number) =>
      new TextDecoder().decode(block.subarray(offset, offset + length))
        .split("\0")[0];
    if (!text(257, 5).startsWith("ustar")) {
      throw new TypeError("Expected a tar archive from the guest");
    }
    const size = block[124] & 0x80
      ? Number(new DataView(block.buffer, block.byteOffset).getBigUint64(128))
      : parseInt(text(124, 12).trim() || "0", 8);
    if (Number.isNaN(size)) {
      throw new TypeError("Expected a tar archive from the guest");
    }
    const flag = text(156, 1) || "0";
    const isRecord = [LONG_NAME, LONG_LINK, PAX, "g"].includes(flag);
    if (isRecord && size > LONGEST_RECORD) {
      throw new TypeError(
        `Expected names of up to ${LONGEST_RECORD} bytes from the guest, ` +
          `got one of ${size}`,
      );
    }
    this.#left = size;
    this.#padding = padding(size);
    if (isRecord) {
      this.#record = { flag, chunks: [] };
      return;
    }
    const gnu = text(257, 8).startsWith("ustar ");
    const prefix = gnu ? "" : text(345, 155);
    const name = this.#longName ??
      (prefix ? `${prefix}/${text(0, 100)}` : text(0, 100));
    const target = this.#longLink ?? text(157, 100);
    this.#longName = this.#longLink = undefined;
    this.#create(name, flag, parseInt(text(100, 8), 8) & 0o777, target);
    if (size === 0) this.#endOfEntry();
  }

  #create(name: string, flag: string, mode: number, target: string): void {
    const path = this.#place(name);
    if (path === this.#directory && flag !== TYPE_FLAGS.directory) {
      throw new TypeError(`Expected names below a directory, got ${name}`);
    }
    switch (flag) {
      case TYPE_FLAGS.directory:
        if (isSymlink(path)) makeRoom(path);
        Deno.mkdirSync(path, { recursive: true, mode: mode | 0o700 });
        break;
      case TYPE_FLAGS.symlink:
        makeRoom(path);
        Deno.symlinkSync(target, path);
        break;
      case HARD_LINK: {
        const other = this.#place(target);
        makeRoom(path);
        // Of a pipe that was left out, a second name is too.
        if (at(other)) Deno.linkSync(other, path);
        else this.#leaveOut(name);
        break;
      }
      case TYPE_FLAGS.file:
        makeRoom(path);
        this.#file = Deno.openSync(path, {
          write: true,
          createNew: true,
          mode: mode | 0o600,
        });
        break;
      default:
        this.#leaveOut(name);
    }
  }

  /** The path for a name, which must not lead out of the directory. */
  #place(name: string): string {
    if (new TextEncoder().encode(name).length > LONGEST_PATH) {
      throw new TypeError(
        `Expected paths of up to ${LONGEST_PATH} bytes from the guest, got one ` +
          `that begins with ${name.slice(0, 20)}`,
      );
    }
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    if (name.startsWith("/") || parts.includes("..")) {
      throw new TypeError(`Expected names below a directory, got ${name}`);
    }
    let path = this.#directory;
    for (const part of parts) {
      if (isSymlink(path)) {
        throw new TypeError(`Expected no file below a link, got ${name}`);
      }
      path += `/${part}`;
    }
    return [this.#directory, ...parts].join("/");
  }

  #take(bytes: Uint8Array): void {
    if (this.#record !== undefined) this.#record.chunks.push(bytes.slice());
    for (let offset = 0; this.#file && offset < bytes.length;) {
      offset += this.#file.writeSync(bytes.subarray(offset));
    }
  }

  #endOfEntry(): void {
    this.#file?.close();
    this.#file = undefined;
    if (this.#record === undefined) return;
    const { flag, chunks } = this.#record;
    this.#record = undefined;
    const bytes = new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
    if (flag === PAX) {
      for (const [key, value] of paxRecords(bytes)) {
        if (key === "path") this.#longName = value;
        else if (key === "linkpath") this.#longLink = value;
      }
      return;
    }
    const text = new TextDecoder().decode(bytes).replace(/\0+$/, "");
    if (flag === LONG_NAME) this.#longName = text;
    else if (flag === LONG_LINK) this.#longLink = text;
  }

  /** Closes a file that was not finished. */
  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

/** Removes an older file, and not what it may link to. */
export function makeRoom(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Whether there is a link, wherever that leads. */
export function isSymlink(path: string): boolean {
  return at(path)?.isSymlink ?? false;
}

/** What is there under a name itself. */
function at(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

/** What a header of pax(1) says. Each record tells its length, as it may hold newlines. */
function* paxRecords(bytes: Uint8Array): Generator<[string, string]> {
  const decoder = new TextDecoder();
  for (let at = 0; at < bytes.length;) {
    const length = parseInt(decoder.decode(bytes.subarray(at, at + 8)));
    if (!(length > 0)) {
      throw new TypeError("Expected a tar archive from the guest");
    }
    const record = decoder.decode(bytes.subarray(at, at + length - 1));
    const equals = record.indexOf("=");
    yield [
      record.slice(record.indexOf(" ") + 1, equals),
      record.slice(equals + 1),
    ];
    at += length;
  }
}

function padding(size: number): number {
  return (BLOCK - size % BLOCK) % BLOCK;
}
