import { MachineError } from "../../errors.ts";
import { directoryOf } from "../../paths.ts";
import type { QmpClient } from "../../qmp/mod.ts";
import type { SavedDisk } from "../backend.ts";
import { writeOverlay } from "./overlay.ts";

/** The end of an overlay's name while a running QEMU has it open. */
const LIVE = /^(.*)\.vw-live-(\d+)$/;

/** The drivers of nodes that cause faults of a disk. */
const FILTERS = new Set(["blkdebug", "blklogwrites", "copy-before-write"]);

/** A disk as QEMU lists it. */
interface BlockDevice {
  device: string;
  qdev?: string;
  inserted?: {
    file: string;
    drv: string;
    ro: boolean;
    image: { filename: string; "virtual-size": number };
  };
}

/** A disk that a guest can write to. */
interface Disk {
  /** QEMU's name for it. */
  readonly device: string;
  /** The image's path below the state directory. */
  readonly path: string;
  readonly format: string;
  readonly size: number;
}

/**
 * The disks of one running QEMU. Saving freezes their images: from then on the
 * guest writes to overlays beside them. QEMU opens images again by name, so the
 * driver renames none while QEMU runs. When QEMU has ended, the overlays
 * replace the images, so that the start script finds them.
 */
export class QemuDisks {
  readonly #qmp: QmpClient;
  readonly #stateDir: string;
  readonly #machine: string;
  /** The paths of frozen images, by device. */
  readonly #frozen = new Map<string, Disk>();

  /** Takes QEMU's monitor, its working directory, and its machine's name. */
  constructor(qmp: QmpClient, stateDir: string, machine: string) {
    this.#qmp = qmp;
    this.#stateDir = Deno.realPathSync(stateDir);
    this.#machine = machine;
  }

  /** Why the disks can't be saved, as parts of sentences. */
  async obstacles(): Promise<string[]> {
    return (await this.#look()).refused;
  }

  /**
   * Freezes the images of a guest that stands still.
   *
   * @param directory The directory for the frozen images.
   * @throws {MachineError} if that is impossible.
   */
  async freeze(directory: string): Promise<SavedDisk[]> {
    const { disks, refused: [refused] } = await this.#look();
    if (refused !== undefined) throw new MachineError(refused);
    const saved: SavedDisk[] = [];
    for (const disk of disks) {
      saved.push(
        disk.format === "qcow2"
          ? await this.#overlay(disk, directory)
          : await this.#copy(disk, directory),
      );
    }
    return saved;
  }

  async #look(): Promise<{ disks: Disk[]; refused: string[] }> {
    const devices = await this.#qmp.send("query-block") as BlockDevice[];
    const disks: Disk[] = [], refused: string[] = [];
    for (const { device, qdev, inserted } of devices) {
      if (inserted === undefined || inserted.ro) continue;
      const id = device || qdev!;
      if (FILTERS.has(inserted.drv)) {
        refused.push(
          `fail() or cacheWrites() is in effect on the disk ${id} of ` +
            `${this.#machine}: end that first`,
        );
        continue;
      }
      const known = this.#frozen.get(id);
      if (known !== undefined) {
        disks.push(known);
        continue;
      }
      const path = inserted.image.filename;
      const inside = this.#inside(path);
      if (inside === undefined) {
        refused.push(
          `the disk ${id} of ${this.#machine} is ${path}, which is not a file ` +
            "in the machine's own directory: have the start script copy the " +
            "image there, or make an overlay of it there",
        );
        continue;
      }
      const size = inserted.image["virtual-size"];
      disks.push({ device: id, path: inside, format: inserted.drv, size });
    }
    return { disks, refused };
  }

  /** A file's path below the state directory; nothing if it is elsewhere. */
  #inside(path: string): string | undefined {
    try {
      const real = Deno.realPathSync(
        path.startsWith("/") ? path : `${this.#stateDir}/${path}`,
      );
      if (!Deno.statSync(real).isFile) return undefined;
      if (!real.startsWith(`${this.#stateDir}/`)) return undefined;
      return real.slice(this.#stateDir.length + 1);
    } catch {
      return undefined;
    }
  }

  /** Replaces images by the overlays of a QEMU that has ended. */
  settle(): void {
    for (const { path } of this.#frozen.values()) {
      settle(`${this.#stateDir}/${path}`);
    }
  }

  /** Lets the guest write to an overlay of its image. */
  async #overlay(disk: Disk, directory: string): Promise<SavedDisk> {
    const { device, format, size } = disk;
    const path = `${this.#stateDir}/${disk.path}`;
    const before = live(path);
    const written = before.at(-1) ?? { path, number: 0 };
    // These are other names for the same file, because a start script uses its
    // present name. The machine's own directory may outlive the run, or end
    // before it.
    const base = unused(`${path}.vw-base`);
    Deno.linkSync(written.path, base);
    const frozen = unused(`${directory}/disk`);
    Deno.linkSync(written.path, frozen);
    const overlay = `${path}.vw-live-${written.number + 1}`;
    writeOverlay(overlay, { path: base, format, size });
    await this.#qmp.send("blockdev-snapshot-sync", {
      device,
      "snapshot-file": overlay,
      format: "qcow2",
      mode: "existing",
    });
    this.#frozen.set(device, disk);
    return { path: disk.path, format, size, frozen, by: "overlay" };
  }

  async #copy(
    { path, format, size }: Disk,
    directory: string,
  ): Promise<SavedDisk> {
    const frozen = unused(`${directory}/disk`);
    await copyImage(`${this.#stateDir}/${path}`, frozen, this.#machine);
    return { path, format, size, frozen, by: "copy" };
  }
}

/**
 * Puts the disks of a saved guest to the places where its start script finds
 * them.
 *
 * @throws {MachineError} if that is impossible.
 */
export async function placeDisks(
  disks: readonly SavedDisk[],
  stateDir: string,
  machine: string,
): Promise<void> {
  for (const { path, frozen, by, format, size } of disks) {
    const place = `${Deno.realPathSync(stateDir)}/${path}`;
    Deno.mkdirSync(directoryOf(place), { recursive: true, mode: 0o700 });
    for (const overlay of live(place)) Deno.removeSync(overlay.path);
    if (by === "overlay") writeOverlay(place, { path: frozen, format, size });
    else await copyImage(frozen, place, machine);
  }
}

/**
 * Does the work of {@linkcode QemuDisks.settle} for a directory whose driver
 * was killed.
 */
export function settleDisks(stateDir: string): void {
  const names = [...Deno.readDirSync(stateDir)].map(({ name }) => name);
  const images = new Set(names.flatMap((name) => LIVE.exec(name)?.[1] ?? []));
  for (const image of images) settle(`${stateDir}/${image}`);
}

function settle(image: string): void {
  const overlays = live(image);
  const last = overlays.pop();
  if (last !== undefined) Deno.renameSync(last.path, image);
  for (const { path } of overlays) Deno.removeSync(path);
}

/** The overlays of an image that a QEMU has or had open, in their order. */
function live(path: string): { path: string; number: number }[] {
  const directory = directoryOf(path);
  const found: { path: string; number: number }[] = [];
  try {
    for (const { name } of Deno.readDirSync(directory)) {
      const [, image, number] = LIVE.exec(name) ?? [];
      if (`${directory}/${image}` !== path) continue;
      found.push({ path: `${directory}/${name}`, number: Number(number) });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort((a, b) => a.number - b.number);
}

/** An unused name in a directory. */
function unused(beginning: string): string {
  for (let number = 1;; number++) {
    const path = `${beginning}-${number}`;
    try {
      Deno.lstatSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return path;
      throw error;
    }
  }
}

/**
 * Copies an image without its holes.
 *
 * @throws {MachineError} if that fails, for example for lack of room.
 */
async function copyImage(
  from: string,
  to: string,
  machine: string,
): Promise<void> {
  const { success, stderr } = await new Deno.Command("cp", {
    args: ["--sparse=always", "--reflink=auto", "--", from, to],
    stdin: "null",
    stdout: "null",
  }).output();
  if (success) {
    Deno.chmodSync(to, 0o600);
    return;
  }
  throw new MachineError(
    `a disk of ${machine} can't be copied: ${
      new TextDecoder().decode(stderr).trim()
    }`,
  );
}
