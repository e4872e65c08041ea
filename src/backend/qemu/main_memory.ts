import { statfsSync } from "node:fs";
import { type QmpClient, QmpError } from "../../qmp/mod.ts";
import type { MemoryBlock } from "./memory_file.ts";

/** The options that give a guest memory of another kind than QEMU's default. */
const OTHER_KINDS =
  /memory-backend|memdev|hugetlb|^-mem-|^--?(?:numa|overcommit|readconfig)$/;
/** What statfs(2) calls a file system in memory. */
const TMPFS = 0x01021994;

/** An object of QEMU's with memory. */
interface MemoryDevice {
  readonly id?: string;
  readonly size: number;
}

/**
 * Finds the main memory of a guest that can be a private mapping of a file in
 * another guest. It can't be where the start script says what it is, and where a
 * balloon could punch holes in the file, which others have mapped.
 *
 * @param commandLine QEMU's arguments, each with a null byte after it.
 */
export async function mappableMemory(
  qmp: QmpClient,
  commandLine: string,
): Promise<MemoryBlock | undefined> {
  if (commandLine.split("\0").some((word) => OTHER_KINDS.test(word))) {
    return undefined;
  }
  const [devices, hasBalloon] = await Promise.all([
    qmp.send("query-memdev") as Promise<MemoryDevice[]>,
    succeeds(qmp.send("query-balloon")),
  ]);
  const [{ id: name, size } = {}, ...others] = devices;
  if (name === undefined || others.length > 0 || hasBalloon) return undefined;
  return { name, size: size! };
}

/**
 * Whether a file of so many bytes, which has holes, can be there: a guest that
 * reads a hole of a file in memory fills it.
 */
export function hasRoomFor(size: number, directory: string): boolean {
  const { type, bavail, bsize } = statfsSync(directory);
  return type !== TMPFS || bavail * bsize > size;
}

async function succeeds(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (error instanceof QmpError) return false;
    throw error;
  }
}
