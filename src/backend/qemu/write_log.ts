/** The mark at the beginning of a log, after the first flush. */
const MAGIC = 0x6a736677736872n;
/** Bytes of a sector, the unit of entries. The driver sets it in QEMU. */
export const LOG_SECTOR = 512;
/** Flags of entries. */
const FLUSH = 1, FUA = 2, DISCARD = 4;
/** Bytes of an entry before its zeros. */
const ENTRY = 24;

/** The source of the contents of a range of a disk. */
export interface Piece {
  /** Bytes from the beginning of the disk. */
  readonly at: number;
  /** Bytes. */
  readonly length: number;
  /** Their place in the log; nothing for the contents from before the log. */
  readonly inLog?: number;
}

/** A log, of which a guest decides how large it is. */
export interface LogBytes {
  /** Its bytes. */
  readonly length: number;
  /** Reads so many bytes, which are valid until the next call. */
  read(at: number, length: number): Uint8Array;
}

/** Sectors of a disk, up to the one before `end`. */
interface Range {
  readonly sector: number;
  readonly end: number;
}

/** A write, or a discard, which has no data. */
interface Entry extends Range {
  /** The place of its data in the log. */
  readonly data?: number;
}

/**
 * Finds the writes that restore a disk to its last flush.
 *
 * @param log The log of QEMU's `blklogwrites`: a sector that QEMU fills at the
 * first flush, then each write, flush and discard as a sector and its data, one
 * after the other.
 * @returns The pieces, from the beginning of the disk to its end.
 */
export function unflushed(log: LogBytes): Piece[] {
  if (log.length < LOG_SECTOR) return [];
  const { entries, flushed } = entriesOf(log);
  const wanted = joined(entries.slice(flushed));
  const pieces: Piece[] = [];
  // A later write replaces an earlier one. A discard keeps the contents, which
  // disks may do.
  for (const entry of entries.slice(0, flushed).reverse()) {
    const { sector, data } = entry;
    if (data === undefined) continue;
    for (const { sector: from, end } of takeOut(wanted, entry)) {
      const inLog = data + (from - sector) * LOG_SECTOR;
      pieces.push({ ...bytesOf(from, end), inLog });
    }
  }
  for (const { sector, end } of wanted) pieces.push(bytesOf(sector, end));
  return pieces.sort((a, b) => a.at - b.at);
}

/** The entries, and how many of them come before the last flush. */
function entriesOf(log: LogBytes): { entries: Entry[]; flushed: number } {
  const number = (at: number) => {
    const bytes = log.read(at, 8);
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  };
  const magic = number(0);
  if (magic !== MAGIC && magic !== 0n) {
    throw new Error(
      "Expected a log of QEMU's blklogwrites, got something else",
    );
  }
  const entries: Entry[] = [];
  let flushed = 0;
  for (let at = LOG_SECTOR; at + LOG_SECTOR <= log.length;) {
    const bytes = log.read(at, ENTRY);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const [sector, count, flags] = [0, 8, 16].map((offset) =>
      Number(view.getBigUint64(offset, true))
    );
    const isData = count > 0 && (flags & DISCARD) === 0;
    const data = isData ? at + LOG_SECTOR : undefined;
    if (count > 0) entries.push({ sector, end: sector + count, data });
    if ((flags & (FLUSH | FUA)) !== 0) flushed = entries.length;
    at += LOG_SECTOR + (isData ? count * LOG_SECTOR : 0);
  }
  return { entries, flushed };
}

function bytesOf(sector: number, end: number): Piece {
  return { at: sector * LOG_SECTOR, length: (end - sector) * LOG_SECTOR };
}

/** Ranges that do not overlap, in their order. */
function joined(ranges: readonly Range[]): Range[] {
  const found: Range[] = [];
  for (
    const { sector, end } of ranges.toSorted((a, b) => a.sector - b.sector)
  ) {
    const last = found.at(-1);
    if (last === undefined || last.end < sector) found.push({ sector, end });
    else if (last.end < end) {
      found[found.length - 1] = { sector: last.sector, end };
    }
  }
  return found;
}

/** Takes the parts of joined ranges that are in another out of them. */
function takeOut(ranges: Range[], { sector, end }: Range): Range[] {
  let first = 0;
  for (let beyond = ranges.length; first < beyond;) {
    const middle = (first + beyond) >> 1;
    if (ranges[middle].end <= sector) first = middle + 1;
    else beyond = middle;
  }
  const taken: Range[] = [], left: Range[] = [];
  let last = first;
  for (; last < ranges.length && ranges[last].sector < end; last++) {
    const range = ranges[last];
    taken.push({
      sector: Math.max(sector, range.sector),
      end: Math.min(end, range.end),
    });
    if (range.sector < sector) left.push({ sector: range.sector, end: sector });
    if (range.end > end) left.push({ sector: end, end: range.end });
  }
  if (last > first) ranges.splice(first, last - first, ...left);
  return taken;
}
