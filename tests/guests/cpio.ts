// An initramfs archive: the "newc" format of the kernel's documentation,
// driver-api/early-userspace/buffer-format.

const fileTypes = {
  directory: 0o040000,
  file: 0o100000,
  symlink: 0o120000,
  characterDevice: 0o020000,
};

/** Collects files for an initramfs; needs no root, devices included. */
export class CpioArchive {
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];
  readonly #names = new Set<string>();
  #inode = 0;

  /** Adds a directory, and its parents where they are missing. */
  directory(path: string, mode = 0o755): this {
    if (!this.#names.has(path)) {
      this.#entry(path, fileTypes.directory | mode, new Uint8Array());
    }
    return this;
  }

  file(path: string, content: Uint8Array | string, mode = 0o644): this {
    const bytes = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    return this.#entry(path, fileTypes.file | mode, bytes);
  }

  symlink(path: string, target: string): this {
    return this.#entry(
      path,
      fileTypes.symlink | 0o777,
      new TextEncoder().encode(target),
    );
  }

  characterDevice(
    path: string,
    major: number,
    minor: number,
    mode = 0o600,
  ): this {
    return this.#entry(
      path,
      fileTypes.characterDevice | mode,
      new Uint8Array(),
      [major, minor],
    );
  }

  /** Whether something of that path is in the archive. */
  has(path: string): boolean {
    return this.#names.has(path);
  }

  /** The whole archive. */
  bytes(): Uint8Array<ArrayBuffer> {
    const parts = [...this.#parts, ...entryParts("TRAILER!!!", 0, 0, [0, 0])];
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const result = new Uint8Array(size);
    let offset = 0;
    for (const part of parts) {
      result.set(part, offset);
      offset += part.length;
    }
    return result;
  }

  #entry(
    path: string,
    mode: number,
    content: Uint8Array,
    device: [number, number] = [0, 0],
  ): this {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (parent !== "") this.directory(parent);
    this.#names.add(path);
    this.#parts.push(
      ...entryParts(path, ++this.#inode, mode, device, content),
    );
    return this;
  }
}

function entryParts(
  name: string,
  inode: number,
  mode: number,
  [major, minor]: [number, number],
  content: Uint8Array = new Uint8Array(),
): Uint8Array<ArrayBuffer>[] {
  const nameBytes = new TextEncoder().encode(`${name}\0`);
  const isDirectory = (mode & 0o170000) === fileTypes.directory;
  const header = "070701" + [
    inode,
    mode,
    0, // owner
    0, // group
    isDirectory ? 2 : 1, // links
    0, // time of modification: equal recipes, equal archives
    content.length,
    0,
    0, // device that holds the file
    major,
    minor,
    nameBytes.length,
    0, // checksum, unused
  ].map((field) => field.toString(16).padStart(8, "0")).join("");
  const head = padded(new TextEncoder().encode(header), nameBytes);
  return content.length === 0 ? [head] : [head, padded(content)];
}

/** The pieces in one, filled up to a multiple of four bytes. */
function padded(...pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const result = new Uint8Array(Math.ceil(size / 4) * 4);
  let offset = 0;
  for (const piece of pieces) {
    result.set(piece, offset);
    offset += piece.length;
  }
  return result;
}
