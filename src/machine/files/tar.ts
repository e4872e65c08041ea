/**
 * The tar format, as far as files, directories and links need it, with GNU's
 * records for long names and those of pax(1); see tar(5).
 *
 * The archives come from a guest, which may send anything.
 *
 * @module
 */

import { directoryOf } from "../../paths.ts";
import { writeAllSync } from "../../stream/mod.ts";
import { delay } from "../../time/mod.ts";
import { HostFile, permissions, seconds } from "./host_file.ts";
import type { LeaveOut } from "./left_out.ts";
import { enter, lookThrough, type Within } from "./through_links.ts";

const BLOCK = 512;
const NAME_LENGTH = 100;
/** Bytes of the longest record, which the driver holds in memory. */
const LONGEST_RECORD = 1024 * 1024;
/**
 * Bytes of the longest path on Linux, without the final NUL; PATH_MAX in
 * limits.h.
 */
const LONGEST_PATH = 4095;
/**
 * The deepest nesting of directories. Looking at so many takes well below a
 * millisecond.
 */
const DEEPEST = 256;
/** How many directories the driver remembers to be no links. */
const MOST_KNOWN = 10_000;
/** The last second that all file systems can store, at the end of 2105. */
const LATEST = 2 ** 32 - 1;
/** A run of so many zeros in a file takes no place on the disk. */
const HOLE = 4096;

/** Bytes of an archive that one step takes: a few small files. */
const STEP = 4096;
/** Milliseconds after which other code has its turn. */
const TURN_MS = 10;

type Kind = "file" | "directory" | "symlink" | "hard link";

const TYPE_FLAGS: Record<Kind, string> = {
  file: "0",
  directory: "5",
  symlink: "2",
  "hard link": "1",
};
const LONG_NAME = "L";
const LONG_LINK = "K";
const PAX = "x";
const GLOBAL_PAX = "g";
/** The keys of pax records that matter. The last one is a beginning of keys. */
const KEYS = ["path=", "linkpath=", "size=", "mtime=", "GNU.sparse."].map(
  (key) => new TextEncoder().encode(key),
);
const ZERO = 0x30;
/** A file; old systems stored such a file in one piece. */
const CONTIGUOUS = "7";

/** The facts about a file in an archive, beside its name and kind. */
interface Facts {
  mode: number;
  /** Seconds since 1970. */
  time: number;
}

/**
 * Yields the bytes of an archive of a file or a tree on the host. The archive
 * has the targets of links instead of the links.
 *
 * @param path The path of the tree.
 * @param name Its name in the archive.
 * @param leaveOut Gets the names of entries that are neither file nor
 * directory, that have a name that is not UTF-8, that are unreadable, or that
 * have disappeared.
 * @throws {UsageError} if links lead in a circle; after the archive's end.
 */
export async function* archive(
  path: string,
  name: string,
  leaveOut: LeaveOut = () => {},
): AsyncGenerator<Uint8Array> {
  let failure: { error: unknown } | undefined;
  try {
    yield* entries(path, name, { leaveOut, linked: new Map() }, []);
  } catch (error) {
    // The reader of the archive waits for its end.
    failure = { error };
  }
  yield new Uint8Array(2 * BLOCK);
  if (failure !== undefined) throw failure.error;
}

interface Walk {
  leaveOut: LeaveOut;
  /**
   * The names in the archive of files with several names, by device and inode.
   */
  linked: Map<string, string>;
}

async function* entries(
  path: string,
  name: string,
  walk: Walk,
  within: Within,
): AsyncGenerator<Uint8Array> {
  const info = await readable(path, within, walk, lookThrough);
  if (info === undefined) return;
  const facts = { mode: permissions(info), time: seconds(info) };
  if (info.isSymlink) {
    const target = await Deno.readLink(path);
    yield* header(name, "symlink", facts, 0, target);
  } else if (info.isDirectory) {
    const inside = enter(path, info, within);
    const names = await readable(path, within, walk, namesIn);
    if (names === undefined) return;
    yield* header(`${name}/`, "directory", facts, 0);
    for (const inner of names) {
      yield* entries(`${path}/${inner}`, `${name}/${inner}`, walk, inside);
    }
    // The directory's entry comes again after its contents, which have changed
    // its time: not every tar restores that.
    if (names.size > 0) yield* header(`${name}/`, "directory", facts, 0);
  } else if (info.isFile) {
    const same = `${info.dev}:${info.ino}`;
    const first = walk.linked.get(same);
    if (first !== undefined) {
      yield* header(name, "hard link", facts, 0, first);
      return;
    }
    using file = await readable(path, within, walk, HostFile.open);
    if (file === undefined) return;
    if ((info.nlink ?? 1) > 1) walk.linked.set(same, name);
    const { size } = file;
    yield* header(name, "file", facts, size);
    yield* file.bytes();
    yield new Uint8Array(padding(size));
    if (file.missing > 0) walk.leaveOut(path, "shorter");
  } else walk.leaveOut(path);
}

/**
 * Reads an entry below the top of a tree, or reports why the archive leaves it
 * out.
 */
async function readable<T>(
  path: string,
  within: Within,
  walk: Walk,
  read: (path: string) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read(path);
  } catch (error) {
    if (within.length === 0) throw error;
    if (error instanceof Deno.errors.PermissionDenied) {
      walk.leaveOut(path, "unreadable");
    } else if (error instanceof Deno.errors.NotFound) {
      // Deno replaces each invalid byte of a name by this character.
      walk.leaveOut(path, path.includes("\ufffd") ? "name" : "gone");
    } else throw error;
  }
}

/**
 * The names in a directory. Several names that are not UTF-8 may look the same.
 */
async function namesIn(path: string): Promise<Set<string>> {
  const entries = await Array.fromAsync(Deno.readDir(path));
  return new Set(entries.map(({ name }) => name));
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
  // A size that needs more than eleven octal digits is binary.
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

/** The facts in the header of an entry and in the records before it. */
interface Header {
  name: string;
  /** A type flag of tar(5). */
  flag: string;
  size: number;
  facts: Facts;
  target: string;
}

/** Facts in records that replace those in the header of the next entry. */
interface Overrides {
  name?: Uint8Array;
  target?: Uint8Array;
  size?: number;
  time?: number;
  /** Whether the entry is a sparse file: its bytes describe holes. */
  sparse?: boolean;
}

/**
 * Unpacks an archive, which arrives in chunks of any size, below a directory of
 * the host. It replaces older files, sets modes and times, and refuses names
 * that lead out of the directory.
 */
export class Unarchiver implements Disposable {
  /** How many there are: one may replace an entry that another has checked. */
  static #live = 0;
  readonly #directory: string;
  readonly #leaveOut: LeaveOut;
  readonly #held = new Uint8Array(BLOCK);
  #heldLength = 0;
  #file?: Deno.FsFile;
  /** The current entry. */
  #header?: Header;
  /** Whether the file ends in zeros that were not written. */
  #endsInHole = false;
  /**
   * Bytes of the entry, and of the padding after it, that have not come yet.
   */
  #left = 0;
  #padding = 0;
  /** The bytes so far of an incomplete block. */
  #taking = Promise.resolve();
  /** Set while the bytes of a record are collected. */
  #record?: { flag: string; bytes: Uint8Array };
  #overrides: Overrides = {};
  /** The number of zero blocks that came last. Two are the archive's end. */
  #zeros = 0;
  /**
   * The open directories, whose modes and times have to be set at their ends.
   */
  readonly #open: { path: string; facts: Facts }[] = [];
  /** Directories that are no links. */
  readonly #known = new Set<string>();
  #isDisposed = false;

  /**
   * Takes the directory for the files.
   *
   * @param leaveOut Gets the names of entries that are no file, directory or
   * link, that have a name that is not UTF-8, or that lose their setuid and
   * setgid bits.
   */
  constructor(directory: string, leaveOut: LeaveOut = () => {}) {
    this.#directory = directory;
    this.#leaveOut = leaveOut;
    Unarchiver.#live++;
  }

  /**
   * Takes the next bytes.
   *
   * @throws {TypeError} if this is no archive, or if a name is not valid or
   * leads out of the directory.
   */
  push(chunk: Uint8Array): void {
    this.#lookAnew();
    let offset = 0;
    while (offset < chunk.length && this.#zeros < 2) {
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
          BLOCK - this.#heldLength,
          chunk.length - offset,
        );
        this.#held.set(
          chunk.subarray(offset, offset + count),
          this.#heldLength,
        );
        this.#heldLength += count;
        offset += count;
        if (this.#heldLength < BLOCK) return;
        this.#heldLength = 0;
        this.#begin(this.#held);
      }
    }
  }

  /**
   * Takes the next bytes, in steps between which other code has its turn: an
   * archive of many small files takes long. The bytes must not change until
   * this ends.
   */
  take(chunk: Uint8Array): Promise<void> {
    return this.#taking = this.#taking.then(async () => {
      let start = performance.now();
      for (
        let offset = 0;
        offset < chunk.length && !this.#isDisposed;
        offset += STEP
      ) {
        this.push(chunk.subarray(offset, offset + STEP));
        if (performance.now() - start < TURN_MS) continue;
        await delay(0);
        start = performance.now();
      }
    });
  }

  /**
   * Ends the archive.
   *
   * @throws {TypeError} if the archive is incomplete.
   */
  async end(): Promise<void> {
    await this.#taking;
    const { size, name } = this.#header ?? {};
    if (this.#left > 0 && this.#record === undefined) {
      throw new TypeError(
        `Expected ${size} bytes of ${name} from the guest, ` +
          `got ${size! - this.#left}`,
      );
    }
    if (this.#zeros < 2) {
      throw new TypeError(
        "Expected a whole tar archive from the guest, " +
          `got one that ends ${this.#where()}`,
      );
    }
    this.#lookAnew();
    this.#finishDirectories();
  }

  /**
   * Forgets all checked directories when other code has had its turn: another
   * archive may have replaced them. Within a turn the checks stay valid;
   * checking each of many deep directories from the top again would take
   * seconds.
   */
  #lookAnew(): void {
    if (Unarchiver.#live > 1) this.#known.clear();
  }

  /** The place in the archive, for messages. */
  #where(): string {
    return this.#header === undefined
      ? "before its first file"
      : `after ${this.#header.name}`;
  }

  #noArchive(what: string): TypeError {
    return new TypeError(
      `Expected a tar archive from the guest, got ${what} ${this.#where()}`,
    );
  }

  #begin(block: Uint8Array): void {
    if (isZero(block)) {
      this.#zeros++;
      return;
    }
    this.#zeros = 0;
    const magic = ascii(block.subarray(257, 265));
    if (!magic.startsWith("ustar")) throw this.#noArchive("something else");
    if (!hasRightSum(block)) throw this.#noArchive("a wrong checksum");
    const flag = ascii(block.subarray(156, 157)).replace("\0", "0");
    const isRecord = [LONG_NAME, LONG_LINK, PAX, GLOBAL_PAX].includes(flag);
    const told = numeric(block.subarray(124, 136));
    if (isRecord) return this.#beginRecord(flag, told);
    const overrides = this.#overrides;
    this.#overrides = {};
    const prefix = cString(block.subarray(345, 500));
    const short = cString(block.subarray(0, 100));
    const bytes = overrides.name ??
      (magic.startsWith("ustar ") || prefix.length === 0
        ? short
        : Uint8Array.from([...prefix, 0x2f, ...short]));
    const target = overrides.target ?? cString(block.subarray(157, 257));
    for (const { length } of [bytes, target]) {
      if (length <= LONGEST_PATH) continue;
      throw new TypeError(
        `Expected paths of up to ${LONGEST_PATH} bytes from the guest, got one ` +
          `that begins with ${escaped(bytes.subarray(0, 20))}`,
      );
    }
    const name = decoded(bytes) ?? escaped(bytes);
    const size = flag === TYPE_FLAGS["hard link"] ? 0 : overrides.size ?? told;
    if (size === undefined || size > Number.MAX_SAFE_INTEGER) {
      throw new TypeError(
        `Expected a size of up to ${Number.MAX_SAFE_INTEGER} bytes of ` +
          `${name} from the guest, got ${size ?? "no number"}`,
      );
    }
    if (bytes.includes(0) || target.includes(0)) {
      throw new TypeError(`Expected no NUL in a name, got ${name}`);
    }
    this.#header = {
      name,
      flag,
      size,
      facts: {
        mode: Number(numeric(block.subarray(100, 108)) ?? 0) & 0o7777,
        time: Math.min(
          overrides.time ?? numeric(block.subarray(136, 148)) ?? 0,
          LATEST,
        ),
      },
      target: decoded(target) ?? "",
    };
    this.#left = size;
    this.#padding = padding(size);
    const isUnreadable = decoded(bytes) === undefined ||
      decoded(target) === undefined;
    if (isUnreadable) this.#leaveOut(name, "name");
    else if (overrides.sparse) this.#leaveOut(name);
    else this.#create(this.#header);
    if (size === 0) this.#endOfEntry();
  }

  #beginRecord(flag: string, size: number | undefined): void {
    if (size === undefined || size > LONGEST_RECORD) {
      throw new TypeError(
        `Expected names of up to ${LONGEST_RECORD} bytes from the guest, ` +
          `got one of ${size}`,
      );
    }
    if (size === 0) throw this.#noArchive("an empty name");
    this.#record = { flag, bytes: new Uint8Array(size) };
    this.#left = size;
    this.#padding = padding(size);
  }

  #create({ name, flag, facts, target }: Header): void {
    const path = this.#place(name);
    const isDirectory = flag === TYPE_FLAGS.directory;
    if (path === this.#directory && !isDirectory) {
      throw new TypeError(`Expected names below a directory, got ${name}`);
    }
    this.#leave(path);
    // With these bits, other users could run a program of the guest as the
    // driver's user.
    if ((facts.mode & 0o6000) !== 0 && flag !== TYPE_FLAGS.symlink) {
      if (flag !== TYPE_FLAGS["hard link"]) this.#leaveOut(name, "setuid");
      facts.mode &= 0o1777;
    }
    if (!isDirectory) this.#makeParent(path);
    switch (flag) {
      case TYPE_FLAGS.directory:
        if (isSymlink(path)) makeRoom(path);
        Deno.mkdirSync(path, { recursive: true });
        // A directory of an earlier copy may be read-only for its owner.
        Deno.chmodSync(path, facts.mode | 0o700);
        this.#open.push({ path, facts });
        break;
      case TYPE_FLAGS.symlink:
        this.#makeRoom(path);
        Deno.symlinkSync(target, path);
        break;
      case TYPE_FLAGS["hard link"]: {
        const other = this.#place(target);
        if (other === path) break;
        this.#makeRoom(path);
        // The second name of a pipe that was left out is left out too.
        if (at(other)) Deno.linkSync(other, path);
        else this.#leaveOut(name);
        break;
      }
      case TYPE_FLAGS.file:
      case CONTIGUOUS:
        makeRoom(path);
        this.#file = Deno.openSync(path, { write: true, createNew: true });
        Deno.chmodSync(path, facts.mode);
        break;
      default:
        this.#leaveOut(name);
    }
  }

  /** Removes an entry that may be a link. */
  #makeRoom(path: string): void {
    if (this.#known.has(path)) this.#known.clear();
    makeRoom(path);
  }

  #makeParent(path: string): void {
    const parent = directoryOf(path);
    if (this.#open.at(-1)?.path === parent) return;
    Deno.mkdirSync(parent, { recursive: true });
  }

  /**
   * Sets modes and times of the open directories that do not contain `path`.
   */
  #leave(path: string): void {
    while (this.#open.length > 0) {
      const { path: directory } = this.#open.at(-1)!;
      if (path.startsWith(`${directory}/`)) return;
      this.#finishDirectory();
    }
  }

  #finishDirectories(): void {
    while (this.#open.length > 0) this.#finishDirectory();
  }

  #finishDirectory(): void {
    const { path, facts: { mode, time } } = this.#open.pop()!;
    // Another archive may have replaced it.
    this.#refuseLinks(path, path);
    if (!at(path)?.isDirectory) return;
    Deno.utimeSync(path, time, time);
    Deno.chmodSync(path, mode);
  }

  /** Makes the path for a name, which must not lead out of the directory. */
  #place(name: string): string {
    const parts = name.split("/").filter((part) => part !== "" && part !== ".");
    if (name === "" || name.startsWith("/") || parts.includes("..")) {
      throw new TypeError(`Expected names below a directory, got ${name}`);
    }
    if (parts.length > DEEPEST) {
      throw new TypeError(
        `Expected up to ${DEEPEST} directories in each other from the guest, ` +
          `got ${parts.length} in a path that begins with ${name.slice(0, 20)}`,
      );
    }
    const path = [this.#directory, ...parts].join("/");
    this.#refuseLinks(path, name);
    return path;
  }

  /** @throws {TypeError} if a directory on the way to a path is a link. */
  #refuseLinks(path: string, name: string): void {
    if (this.#known.size > MOST_KNOWN) this.#known.clear();
    const parent = directoryOf(path);
    if (path === this.#directory || this.#known.has(parent)) return;
    for (let end = this.#directory.length; end >= 0;) {
      const directory = path.slice(0, end);
      if (isSymlink(directory)) {
        throw new TypeError(`Expected no file below a link, got ${name}`);
      }
      this.#known.add(directory);
      if (directory === parent) return;
      end = path.indexOf("/", end + 1);
    }
  }

  #take(bytes: Uint8Array): void {
    const done = (this.#record?.bytes.length ?? this.#header!.size) -
      this.#left;
    if (this.#record !== undefined) this.#record.bytes.set(bytes, done);
    if (this.#file === undefined) return;
    this.#endsInHole = bytes.length >= HOLE && isZero(bytes);
    if (this.#endsInHole) {
      this.#file.seekSync(bytes.length, Deno.SeekMode.Current);
      return;
    }
    writeAllSync(this.#file, bytes);
  }

  #endOfEntry(): void {
    if (this.#file !== undefined) {
      const { size, facts: { time } } = this.#header!;
      if (this.#endsInHole) this.#file.truncateSync(size);
      this.#endsInHole = false;
      this.#file.utimeSync(time, time);
      this.#file.close();
      this.#file = undefined;
    }
    if (this.#record === undefined) return;
    const { flag, bytes } = this.#record;
    this.#record = undefined;
    if (flag === LONG_NAME) this.#overrides.name = cString(bytes);
    else if (flag === LONG_LINK) this.#overrides.target = cString(bytes);
    else if (flag === PAX) this.#overridePax(bytes);
  }

  #overridePax(bytes: Uint8Array): void {
    /** The begin and the end of the last value of each key. */
    const found: ([begin: number, end: number] | undefined)[] = [];
    // A guest may send a hundred thousand of them at once. So this makes
    // strings only of the last ones.
    for (let at = 0; at < bytes.length;) {
      // Each record begins with its length, because it may have newlines.
      let length = 0, space = at;
      for (; isDigit(bytes[space]) && space - at < 7; space++) {
        length = length * 10 + bytes[space] - ZERO;
      }
      const end = at + length;
      const equals = bytes.indexOf(0x3d, space);
      if (
        space === at || bytes[space] !== 0x20 || end > bytes.length ||
        bytes[end - 1] !== 0x0a || equals < 0 || equals >= end
      ) throw this.#noArchive("a record that is none");
      for (let key = 0; key < KEYS.length; key++) {
        if (!hasAt(bytes, space + 1, KEYS[key])) continue;
        found[key] = [equals + 1, end - 1];
      }
      at = end;
    }
    const [path, linkPath, size, time, sparse] = found.map((place) =>
      place && bytes.slice(...place)
    );
    const overrides = this.#overrides;
    if (path) overrides.name = path;
    if (linkPath) overrides.target = linkPath;
    if (size) overrides.size = decimal(size);
    if (time) overrides.time = decimal(time) ?? 0;
    if (sparse) overrides.sparse = true;
  }

  /** Closes an unfinished file. */
  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
    if (!this.#isDisposed) Unarchiver.#live--;
    this.#isDisposed = true;
  }
}

/** Removes an older file; if it is a link, not its target. */
export function makeRoom(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Whether there is a link at a path. */
export function isSymlink(path: string): boolean {
  return at(path)?.isSymlink ?? false;
}

/** The entry at a path, without following links. */
function at(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

function isZero(bytes: Uint8Array): boolean {
  // This is ten times as fast as the method `every`.
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== 0) return false;
  }
  return true;
}

/**
 * Whether a header's checksum is right. For the sum, the checksum's own bytes
 * count as spaces.
 */
function hasRightSum(block: Uint8Array): boolean {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at++) {
    if (at < 148 || at >= 156) sum += block[at];
  }
  return numeric(block.subarray(148, 156)) === sum;
}

/**
 * Reads the number in a field: octal digits, or binary if the number is too
 * large.
 */
function numeric(field: Uint8Array): number | undefined {
  if (field[0] === 0x80) {
    return field.subarray(1).reduce((value, byte) => value * 256 + byte, 0);
  }
  const digits = ascii(cString(field)).trim();
  return /^[0-7]*$/.test(digits) ? parseInt(digits || "0", 8) : undefined;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte < ZERO + 10;
}

/** Whether these bytes are at a place. */
function hasAt(bytes: Uint8Array, at: number, what: Uint8Array): boolean {
  for (let index = 0; index < what.length; index++) {
    if (bytes[at + index] !== what[index]) return false;
  }
  return true;
}

/** Reads the number in a record, without its decimals. */
function decimal(value: Uint8Array): number | undefined {
  const digits = /^\d+/.exec(ascii(value));
  return digits === null ? undefined : Number(digits[0]);
}

/** The bytes up to the first NUL. */
function cString(field: Uint8Array): Uint8Array {
  const end = field.indexOf(0);
  return end < 0 ? field : field.slice(0, end);
}

function ascii(bytes: Uint8Array): string {
  return latin1.decode(bytes);
}

const latin1 = new TextDecoder("latin1");
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes bytes; nothing if they are not UTF-8. */
function decoded(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A name for messages. Like `ls -b`, it escapes bytes that are not ASCII. */
function escaped(bytes: Uint8Array): string {
  return Array.from(
    bytes,
    (byte) =>
      byte >= 0x20 && byte < 0x7f
        ? String.fromCharCode(byte)
        : `\\${byte.toString(8).padStart(3, "0")}`,
  ).join("");
}

function padding(size: number): number {
  return (BLOCK - size % BLOCK) % BLOCK;
}
