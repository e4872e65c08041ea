import { directoryOf } from "../../../paths.ts";
import { writeAllSync } from "../../../stream/mod.ts";
import { delay } from "../../../time/mod.ts";
import { entryAt, isSymlink, makeRoom } from "../entry.ts";
import type { LeaveOut } from "../left_out.ts";
import { storable } from "../storable.ts";
import {
  ascii,
  BLOCK,
  CONTIGUOUS,
  cString,
  decoded,
  escaped,
  type Facts,
  GLOBAL_PAX,
  hasRightSum,
  isZero,
  LONG_LINK,
  LONG_NAME,
  numeric,
  padding,
  PAX,
  TYPE_FLAGS,
} from "./format.ts";
import { type Overrides, readPax } from "./pax.ts";

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
/** A run of so many zeros in a file takes no place on the disk. */
const HOLE = 4096;

/** Bytes of an archive that one step takes: a few small files. */
const STEP = 4096;
/** Milliseconds after which other code has its turn. */
const TURN_MS = 10;

/** The facts in the header of an entry and in the records before it. */
interface Header {
  name: string;
  /** A type flag of tar(5). */
  flag: string;
  size: number;
  facts: Facts;
  target: string;
}

/**
 * Unpacks an archive, which arrives in chunks of any size, below a directory of
 * the host. It replaces older files, sets modes and times, and refuses names
 * that lead out of the directory: the archives come from a guest, which may send
 * anything.
 */
export class Unarchiver implements Disposable {
  /** How many there are: one may replace an entry that another has checked. */
  static #live = 0;
  readonly #directory: string;
  readonly #leaveOut: LeaveOut;
  /** The bytes so far of an incomplete block. */
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
  /** Settled when all earlier chunks have been taken. */
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
        time: storable(
          overrides.time ?? numeric(block.subarray(136, 148)) ?? 0,
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
        if (entryAt(other)) Deno.linkSync(other, path);
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
    if (!entryAt(path)?.isDirectory) return;
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
    else if (flag === PAX) {
      const overrides = readPax(bytes);
      if (overrides === undefined) {
        throw this.#noArchive("an invalid record");
      }
      Object.assign(this.#overrides, overrides);
    }
  }

  /** Closes an unfinished file. */
  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
    if (!this.#isDisposed) Unarchiver.#live--;
    this.#isDisposed = true;
  }
}
