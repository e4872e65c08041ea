import { HostFile, permissions, seconds } from "../host_file.ts";
import type { LeaveOut } from "../left_out.ts";
import { enter, lookThrough, type Within } from "../through_links.ts";
import {
  BLOCK,
  type Facts,
  type Kind,
  LONG_LINK,
  LONG_NAME,
  NAME_LENGTH,
  padding,
  TYPE_FLAGS,
} from "./format.ts";

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
