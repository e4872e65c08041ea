/** The mark at the beginning of a log, after the first flush. */
const MAGIC = 0x6a736677736872n;
/** Bytes of a sector, the unit of entries. The driver sets it in QEMU. */
export const LOG_SECTOR = 512;
/** Flags of entries. */
const FLUSH = 1, FUA = 2, DISCARD = 4;

/** The source of the contents of a range of a disk. */
export interface Piece {
  /** Bytes from the beginning of the disk. */
  readonly at: number;
  /** Bytes. */
  readonly length: number;
  /** Their place in the log; nothing for the contents from before the log. */
  readonly inLog?: number;
}

/**
 * Finds the writes that restore a disk to its last flush.
 *
 * @param log The log of QEMU's `blklogwrites`: a sector that QEMU fills at the
 * first flush, then each write, flush and discard as a sector and its data, one
 * after the other.
 * @returns The pieces, from the beginning of the disk to its end.
 */
export function unflushed(log: Uint8Array): Piece[] {
  const view = new DataView(log.buffer, log.byteOffset, log.length);
  const size = LOG_SECTOR;
  if (log.length < size) return [];
  const magic = view.getBigUint64(0, true);
  if (magic !== MAGIC && magic !== 0n) {
    throw new Error(
      "Expected a log of QEMU's blklogwrites, got something else",
    );
  }
  const entries: { sector: number; count: number; data?: number }[] = [];
  let flushed = 0;
  for (let at = size; at + size <= log.length;) {
    const sector = Number(view.getBigUint64(at, true));
    const count = Number(view.getBigUint64(at + 8, true));
    const flags = Number(view.getBigUint64(at + 16, true));
    const isData = count > 0 && (flags & DISCARD) === 0;
    const data = isData ? at + size : undefined;
    if (count > 0) entries.push({ sector, count, data });
    if ((flags & (FLUSH | FUA)) !== 0) flushed = entries.length;
    at += size + (isData ? count * size : 0);
  }
  // Writes and discards that are not flushed, by sector.
  const wanted = new Map<number, number | undefined>();
  for (const { sector, count } of entries.slice(flushed)) {
    for (let n = 0; n < count; n++) wanted.set(sector + n, undefined);
  }
  for (const { sector, count, data } of entries.slice(0, flushed)) {
    // A discard keeps the contents, which disks may do.
    if (data === undefined) continue;
    for (let n = 0; n < count; n++) {
      if (wanted.has(sector + n)) wanted.set(sector + n, data + n * size);
    }
  }
  return [...wanted].sort(([a], [b]) => a - b).map(([sector, inLog]) => ({
    at: sector * size,
    length: size,
    inLog,
  }));
}
