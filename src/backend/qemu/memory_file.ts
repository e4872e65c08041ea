import { delay } from "../../time/mod.ts";

/** Bytes that are read or written at once. */
const CHUNK = 1 << 22;
/** Milliseconds after which the rest of the run gets its turn. */
const TURN = 5;
/** Bytes of a page in QEMU's stream. */
const PAGE = 4096;
/** Pages that are shared out at once. */
const STEP = 128;
/** The stream's beginning: "QEVM", and its version. */
const MAGIC = 0x5145564d, VERSION = 3;
/** What a part of the stream begins with. */
const CONFIGURATION = 7, SUBSECTION = 5, START = 1, PART = 2, END = 3;
/** What ends a part of it. */
const FOOTER = 0x7e;
/** The flags in the address of a page. */
const ZERO = 0x02, SIZES = 0x04, FULL = 0x08, DONE = 0x10, CONTINUES = 0x20;

/** The main memory of a guest in a stream. */
export interface MemoryBlock {
  /** QEMU's name for it. */
  readonly name: string;
  /** Its bytes. */
  readonly size: number;
}

/** Where the two parts of a stream are put. */
export interface SplitPlaces {
  /** A file with the memory as the guest sees it, which has holes. */
  readonly memory: string;
  /** The stream without the pages that are there. */
  readonly rest: string;
}

/** The stream has something that this does not know. */
class UnknownStream extends Error {}

/**
 * Splits the stream of a saved guest: into the pages of its main memory, each
 * at its own place in a file, and a stream of all the rest. A QEMU whose memory
 * is a private mapping of that file loads the rest alone. It keeps the file's
 * contents for pages that the stream lacks, and several QEMUs share the pages
 * to which none has written.
 *
 * It works in turns with the rest of a run.
 *
 * @param path The stream, which QEMU has written while the guest stood still.
 * @param signal Ends it between two steps.
 * @returns Whether it could; not so for a stream that this does not know.
 */
export async function splitState(
  path: string,
  block: MemoryBlock,
  places: SplitPlaces,
  signal: AbortSignal,
): Promise<boolean> {
  const own = { mode: 0o600, createNew: true, write: true };
  using stream = new StreamReader(Deno.openSync(path));
  using memory = new PageWriter(Deno.openSync(places.memory, own));
  using rest = new RestWriter(Deno.openSync(places.rest, own));
  let began = performance.now();
  const step = async () => {
    signal.throwIfAborted();
    if (performance.now() - began < TURN) return;
    await delay(0);
    signal.throwIfAborted();
    began = performance.now();
  };
  try {
    const id = passHeader(stream, block);
    rest.put(stream.taken());
    const pages = passPages(stream, id, block, memory, rest);
    while (!pages.next().done) await step();
    for (let bytes; (bytes = stream.some()) !== undefined;) {
      rest.put(bytes);
      await step();
    }
    memory.end(block.size);
    rest.flush();
    return true;
  } catch (error) {
    if (error instanceof UnknownStream) return false;
    throw error;
  }
}

/**
 * Skips everything before the first page, and returns the section of the
 * memory.
 */
function passHeader(stream: StreamReader, block: MemoryBlock): number {
  const known = stream.word() === MAGIC && stream.word() === VERSION &&
    stream.byte() === CONFIGURATION;
  if (!known) throw new UnknownStream();
  stream.pass(stream.word());
  let kind: number;
  while ((kind = stream.byte()) === SUBSECTION) {
    const name = stream.name();
    stream.word();
    if (name === "configuration/target-page-bits") stream.word();
    else if (name === "configuration/uuid") stream.pass(16);
    else if (name === "configuration/capabilities") {
      for (let count = stream.word(); count > 0; count--) stream.name();
    } else throw new UnknownStream();
  }
  if (kind !== START) throw new UnknownStream();
  const id = stream.word();
  if (stream.name() !== "ram") throw new UnknownStream();
  stream.pass(8);
  const { offset: total, flags } = stream.address();
  if (flags !== SIZES) throw new UnknownStream();
  let isThere = false;
  for (let sum = 0; sum < total;) {
    const name = stream.name(), size = stream.long();
    if (name === block.name) isThere = size === block.size;
    sum += size;
  }
  if (!isThere) throw new UnknownStream();
  return id;
}

/**
 * Shares out the pages of the section of memory, and all that is before the next
 * section. Yields from time to time.
 */
function* passPages(
  stream: StreamReader,
  id: number,
  block: MemoryBlock,
  memory: PageWriter,
  rest: RestWriter,
): Generator<void> {
  // A page says only whether it is of another block than the one before it, also
  // where that was in an earlier part.
  let isMain = false, left = STEP;
  while (true) {
    const { offset, flags } = stream.address();
    if (flags === DONE) {
      if (stream.byte() !== FOOTER || stream.word() !== id) {
        throw new UnknownStream();
      }
      const next = stream.byte();
      const goesOn = next === PART || next === END;
      if (goesOn && stream.word() !== id) throw new UnknownStream();
      rest.put(stream.taken());
      if (!goesOn) return;
      continue;
    }
    const kind = flags & ~CONTINUES;
    if (kind !== ZERO && kind !== FULL) throw new UnknownStream();
    if ((flags & CONTINUES) === 0) isMain = stream.name() === block.name;
    if (kind === ZERO) {
      if (stream.byte() !== 0) throw new UnknownStream();
      if (isMain) memory.zero(offset);
    } else {
      const page = stream.pass(PAGE);
      if (isMain) memory.put(offset, page);
    }
    const record = stream.taken();
    if (!isMain) rest.put(record);
    if (--left > 0) continue;
    left = STEP;
    yield;
  }
}

/** Reads a stream, and remembers the bytes since the last look. */
class StreamReader implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #buffer = new Uint8Array(CHUNK);
  readonly #view = new DataView(this.#buffer.buffer);
  #from = 0;
  #at = 0;
  #end = 0;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Goes on by so many bytes, which are valid until the next call. */
  pass(count: number): Uint8Array {
    if (this.#at + count > this.#end) this.#fill(count);
    this.#at += count;
    return this.#buffer.subarray(this.#at - count, this.#at);
  }

  #fill(count: number): void {
    this.#buffer.copyWithin(0, this.#from, this.#end);
    this.#at -= this.#from;
    this.#end -= this.#from;
    this.#from = 0;
    while (this.#end < this.#at + count) {
      const read = this.#file.readSync(this.#buffer.subarray(this.#end));
      // Also where a part does not fit in.
      if (read === null || read === 0) throw new UnknownStream();
      this.#end += read;
    }
  }

  byte(): number {
    return this.pass(1)[0];
  }

  word(): number {
    this.pass(4);
    return this.#view.getUint32(this.#at - 4);
  }

  long(): number {
    return this.word() * 2 ** 32 + this.word();
  }

  /** A text with its length before it. */
  name(): string {
    return new TextDecoder().decode(this.pass(this.byte()));
  }

  /** An address with flags in its lowest bits. */
  address(): { offset: number; flags: number } {
    const high = this.word(), low = this.word(), flags = low % PAGE;
    return { offset: high * 2 ** 32 + (low - flags), flags };
  }

  /** The bytes since the last call, valid until the next read. */
  taken(): Uint8Array {
    const bytes = this.#buffer.subarray(this.#from, this.#at);
    this.#from = this.#at;
    return bytes;
  }

  /** The next bytes; nothing at the end. */
  some(): Uint8Array | undefined {
    if (this.#at === this.#end) {
      this.#from = this.#at = 0;
      this.#end = this.#file.readSync(this.#buffer) ?? 0;
      if (this.#end === 0) return undefined;
    }
    this.#at = this.#end;
    return this.taken();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/** Writes pages to their places, those that follow each other at once. */
class PageWriter implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #buffer = new Uint8Array(CHUNK);
  #begin = 0;
  #length = 0;
  #highest = 0;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  put(offset: number, page: Uint8Array): void {
    const isNext = offset === this.#begin + this.#length;
    if (!isNext || this.#length === this.#buffer.length) {
      this.#flush();
      this.#begin = offset;
    }
    this.#buffer.set(page, this.#length);
    this.#length += page.length;
    this.#highest = Math.max(this.#highest, offset + page.length);
  }

  /** Leaves a hole, also where a page was put before. */
  zero(offset: number): void {
    if (offset < this.#highest) this.put(offset, new Uint8Array(PAGE));
  }

  end(size: number): void {
    this.#flush();
    this.#file.truncateSync(size);
  }

  #flush(): void {
    if (this.#length === 0) return;
    this.#file.seekSync(this.#begin, Deno.SeekMode.Start);
    writeAll(this.#file, this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/** Writes what follows each other. */
class RestWriter implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #buffer = new Uint8Array(CHUNK);
  #length = 0;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Takes no more than {@linkcode CHUNK} at once. */
  put(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#buffer.length) this.flush();
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  flush(): void {
    writeAll(this.#file, this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}
