import { MachineError } from "../../errors.ts";
import { baseName } from "../../paths.ts";
import type { SavedDisk } from "../backend.ts";
import { copyFile } from "../copy_file.ts";

/** A disk that a guest can write to. */
interface PlacedDisk {
  /** Its path below the machine's own directory. */
  readonly path: string;
  /** Its format, as QEMU calls it. */
  readonly format: string;
}

/**
 * The disks that one guest can write to: copies in the machine's own directory,
 * so that the originals stay as they are.
 */
export class MicroVmDisks {
  readonly #stateDir: string;
  readonly #saved: readonly SavedDisk[];
  readonly #placed: PlacedDisk[] = [];

  /**
   * Nothing is copied yet.
   *
   * @param stateDir The machine's own directory.
   * @param saved The disks as they were saved, for a guest that goes on from there.
   */
  constructor(stateDir: string, saved: readonly SavedDisk[] = []) {
    this.#stateDir = stateDir;
    this.#saved = saved;
  }

  /**
   * Gives the machine a copy of a disk. A copy that an earlier start has left goes
   * on, as a disk does, unless the guest goes on from a saved one.
   *
   * @param source The original.
   * @param id Tells the machine's disks apart.
   * @param format Its format, as QEMU calls it. Default: raw.
   * @returns The copy's path below the machine's own directory.
   * @throws {MachineError} if it can't be made.
   */
  async place(source: string, id: string, format = "raw"): Promise<string> {
    const path = `${id.replaceAll(/[^\w.-]/g, "_")}-${baseName(source)}`;
    const place = `${this.#stateDir}/${path}`;
    this.#placed.push({ path, format });
    const saved = this.#saved.find((disk) => disk.path === path);
    if (saved === undefined && isThere(place)) return path;
    const original = saved?.frozen ?? source;
    const unfinished = `${place}.new`;
    const why = await copyFile(original, unfinished);
    if (why !== undefined) {
      throw new MachineError(`the disk ${original} can't be copied: ${why}`);
    }
    Deno.renameSync(unfinished, place);
    return path;
  }

  /**
   * Copies the disks of a guest that stands still.
   *
   * @param directory The directory for the copies.
   * @throws {MachineError} if one can't be made.
   */
  async freeze(directory: string): Promise<SavedDisk[]> {
    const frozen: SavedDisk[] = [];
    for (const [number, { path, format }] of this.#placed.entries()) {
      const from = `${this.#stateDir}/${path}`;
      const to = `${directory}/disk-${number + 1}`;
      const why = await copyFile(from, to);
      if (why !== undefined) {
        throw new MachineError(`the disk ${from} can't be copied: ${why}`);
      }
      const { size } = Deno.statSync(to);
      frozen.push({ path, format, size, frozen: to, by: "copy" });
    }
    return frozen;
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
