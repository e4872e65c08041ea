/** Bytes of a cluster, QEMU's own default, and how many bits that takes. */
const CLUSTER_BITS = 16, CLUSTER = 1 << CLUSTER_BITS;
/** Bytes of a table of the second level. */
const REACH = CLUSTER / 8 * CLUSTER;
/** Bytes of a header of version 3. */
const HEADER = 104;
/** The mark of the extension with the backing file's format. */
const BACKING_FORMAT = 0xe2792aca;

/** The image below an overlay. */
export interface Backing {
  /** The absolute path of an image that never changes any more. */
  readonly path: string;
  /** QEMU's name for its format. */
  readonly format: string;
  /** Bytes of the disk in it. */
  readonly size: number;
}

/**
 * Writes an empty qcow2 image on top of another image, for its owner alone. The
 * driver writes the format itself: the host need not have `qemu-img`, and this
 * starts no program.
 *
 * @param path The path. This replaces a file there, and does not write to it.
 * @param backing The image below it.
 */
export function writeOverlay(path: string, backing: Backing): void {
  const text = new TextEncoder();
  const name = text.encode(backing.path), format = text.encode(backing.format);
  const entries = Math.ceil(backing.size / REACH);
  const tableClusters = Math.max(1, Math.ceil(entries * 8 / CLUSTER));
  // Header, reference count table, reference counts, and the first table.
  const clusters = 3 + tableClusters;
  const bytes = new Uint8Array(clusters * CLUSTER);
  const view = new DataView(bytes.buffer);
  const extension = 8 + Math.ceil(format.length / 8) * 8 + 8;
  view.setUint32(0, 0x514649fb); // QFI\xfb
  view.setUint32(4, 3);
  view.setBigUint64(8, BigInt(HEADER + extension));
  view.setUint32(16, name.length);
  view.setUint32(20, CLUSTER_BITS);
  view.setBigUint64(24, BigInt(backing.size));
  view.setUint32(36, entries);
  view.setBigUint64(40, BigInt(3 * CLUSTER));
  view.setBigUint64(48, BigInt(CLUSTER));
  view.setUint32(56, 1);
  view.setUint32(96, 4); // 16 bits a count
  view.setUint32(100, HEADER);
  view.setUint32(HEADER, BACKING_FORMAT);
  view.setUint32(HEADER + 4, format.length);
  bytes.set(format, HEADER + 8);
  bytes.set(name, HEADER + extension);
  view.setBigUint64(CLUSTER, BigInt(2 * CLUSTER));
  for (let nr = 0; nr < clusters; nr++) view.setUint16(2 * CLUSTER + 2 * nr, 1);
  const unfinished = `${path}.new`;
  Deno.writeFileSync(unfinished, bytes, { mode: 0o600 });
  Deno.renameSync(unfinished, path);
}
