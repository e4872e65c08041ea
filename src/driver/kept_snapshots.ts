import { ownDirectory, type SavedGuest } from "../backend/mod.ts";
import { copyFile } from "../backend/copy_file.ts";
import { removeTree } from "../backend/remove_tree.ts";
import { MachineError, UsageError } from "../errors.ts";
import type { SavedMachine } from "../machine/mod.ts";
import { directoryOf } from "../paths.ts";
import { orAbort } from "../time/mod.ts";

/** The format of a kept snapshot's manifest. */
const FORMAT = 2;
/** The file of a kept snapshot that describes the others. */
const MANIFEST = "manifest.json";
/** What an image in QEMU's own format begins with: "QFI\xfb". */
const QCOW2 = 0x514649fb;
/** Bytes of the longest path of the image below one in that format. */
const LONGEST_BACKING = 1023;

/** Nix's store. */
const STORE = `${Deno.env.get("NIX_STORE") ?? "/nix/store"}/`;

/** A machine that a snapshot holds, and what it was started by. */
export interface KeptMachine {
  /** Its state. */
  readonly saved: SavedMachine;
  /** The text of its start command. */
  readonly startCommand: string;
  /** Why it and a copy of it can't run at the same time. */
  readonly rivalry?: string;
}

/** A snapshot that outlives its run. */
export interface KeptSnapshot {
  /** What its author calls it. */
  readonly name: string;
  /** Where it is. */
  readonly path: string;
  /** When it was taken, in milliseconds since 1970. */
  readonly date: number;
  /** The names of its machines. */
  readonly machines: readonly string[];
  /** Bytes on the disk. */
  readonly size: number;
}

interface Manifest {
  readonly format: number;
  readonly name: string;
  readonly date: number;
  readonly machines: readonly KeptMachine[];
  /** The files of the host that it depends on, and what they were. */
  readonly stamps: Readonly<Record<string, string>>;
}

/** Where snapshots are kept: below the user's cache. */
export function keptDirectory(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME");
  if (cache?.startsWith("/")) return `${cache}/vmwright/snapshots`;
  const home = Deno.env.get("HOME");
  if (home?.startsWith("/")) return `${home}/.cache/vmwright/snapshots`;
  throw new UsageError(
    "Expected a directory for kept snapshots in XDG_CACHE_HOME or HOME, got neither",
  );
}

/**
 * More directories in which kept snapshots are looked for, such as those of a
 * build: a variable lists them. Nothing is written there.
 */
function furtherDirectories(): string[] {
  return (Deno.env.get("VMWRIGHT_SNAPSHOTS") ?? "").split(":")
    .filter((directory) => directory !== "");
}

/** The place of a snapshot among those that are kept. */
async function placeOf(
  name: string,
  commands: readonly string[],
  directory: string,
): Promise<string> {
  const text = JSON.stringify([name, commands.toSorted()]);
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(text),
  );
  const hash = new Uint8Array(digest).toHex().slice(0, 16);
  return `${directory}/${name.replaceAll(/[^\w.-]/g, "_")}-${hash}`;
}

/**
 * Keeps a snapshot for later runs, in place of one of the same machines and the
 * same name.
 *
 * @param commands The start commands of all machines of the test.
 * @param scratch A directory of the run's; nothing that is in there outlives it.
 * @throws {MachineError} where a disk is an overlay of an image that ends with the
 * run.
 */
export async function keepSnapshot(
  name: string,
  machines: readonly KeptMachine[],
  commands: readonly string[],
  scratch: string,
): Promise<void> {
  const place = await placeOf(name, commands, keptDirectory());
  ownDirectory(directoryOf(place));
  const unfinished = `${place}.${crypto.randomUUID()}.new`;
  Deno.mkdirSync(unfinished, { mode: 0o700 });
  try {
    const kept: KeptMachine[] = [];
    const stamps: Record<string, string> = {};
    for (const [index, machine] of machines.entries()) {
      const { saved } = machine;
      const own = `${unfinished}/${index}`;
      Deno.mkdirSync(own, { mode: 0o700 });
      const { mapped } = saved.guest;
      await putFile(saved.guest.state, `${own}/state`);
      if (mapped !== undefined) {
        await putFile(mapped.memory, `${own}/memory`);
        await putFile(mapped.rest, `${own}/rest`);
      }
      Deno.writeFileSync(`${own}/console`, saved.console.text, { mode: 0o600 });
      const disks = [];
      for (const [nr, disk] of saved.guest.disks.entries()) {
        // A guest may write what it likes into any other image.
        const below = disk.format === "qcow2"
          ? backingOf(disk.frozen)
          : undefined;
        if (below !== undefined && !below.startsWith("/")) {
          throw unkept(name, saved.name, below, "is not an absolute path");
        }
        if (below?.startsWith(`${scratch}/`) || below?.includes(".vw-base-")) {
          throw unkept(name, saved.name, below, "ends with the run");
        }
        await putFile(disk.frozen, `${own}/disk-${nr}`);
        stampAll(below, stamps);
        disks.push({ ...disk, frozen: `${index}/disk-${nr}` });
      }
      for (const path of filesOf(machine)) stampAll(path, stamps);
      kept.push({
        ...machine,
        saved: {
          ...saved,
          console: { ...saved.console, text: new Uint8Array(0) },
          guest: {
            ...saved.guest,
            state: `${index}/state`,
            disks,
            mapped: mapped &&
              { memory: `${index}/memory`, rest: `${index}/rest` },
          },
        },
      });
    }
    const manifest: Manifest = {
      format: FORMAT,
      name,
      date: Date.now(),
      machines: kept,
      stamps,
    };
    Deno.writeTextFileSync(
      `${unfinished}/${MANIFEST}`,
      JSON.stringify(manifest),
      { mode: 0o600 },
    );
    removeIfThere(place);
    Deno.renameSync(unfinished, place);
  } catch (error) {
    removeIfThere(unfinished);
    throw error;
  }
}

/**
 * Finds the kept snapshot of machines by a name.
 *
 * @param commands The start commands of all machines of the test.
 * @returns The snapshot, or why it can't be used, or nothing.
 */
export async function findKept(
  name: string,
  commands: readonly string[],
): Promise<{ machines: KeptMachine[] } | { stale: string } | undefined> {
  let found: { machines: KeptMachine[] } | { stale: string } | undefined;
  for (const directory of [keptDirectory(), ...furtherDirectories()]) {
    found = read(await placeOf(name, commands, directory)) ?? found;
    if (found !== undefined && "machines" in found) break;
  }
  return found;
}

function read(
  place: string,
): { machines: KeptMachine[] } | { stale: string } | undefined {
  const manifest = readManifest(place);
  if (manifest === undefined) return undefined;
  for (const [path, was] of Object.entries(manifest.stamps)) {
    if (stampOf(path) !== was) return { stale: `${path} has changed` };
  }
  const machines = manifest.machines.map((machine, index) => ({
    ...machine,
    saved: {
      ...machine.saved,
      guest: below(place, machine.saved.guest),
      console: {
        ...machine.saved.console,
        text: Deno.readFileSync(`${place}/${index}/console`),
      },
    },
  }));
  return { machines };
}

/**
 * Waits until no other run takes the snapshot of the same machines by the same
 * name. A run that waits then finds it kept, and does not take it again.
 *
 * @param commands The start commands of all machines of the test.
 * @param onWait Called if another run takes it at this moment.
 * @param signal Ends the wait.
 * @returns A lock. The next run goes on when the lock is disposed of, or when
 * the process ends.
 */
export async function lockKept(
  name: string,
  commands: readonly string[],
  { onWait, signal }: { onWait: () => void; signal?: AbortSignal },
): Promise<Disposable> {
  const place = await placeOf(name, commands, keptDirectory());
  ownDirectory(directoryOf(place));
  const path = `${place}.lock`;
  for (let isFirst = true;; isFirst = false) {
    const file = Deno.openSync(path, {
      write: true,
      create: true,
      mode: 0o600,
    });
    if (!file.tryLockSync(true)) {
      if (isFirst) onWait();
      const locked = file.lock(true);
      try {
        await orAbort(locked, signal);
      } catch (error) {
        locked.then(() => file.close(), () => file.close());
        throw error;
      }
    }
    // The earlier holder has removed the file, and another run has made a new
    // one.
    if (isStill(path, file)) {
      return {
        [Symbol.dispose]() {
          removeIfThere(path);
          file.close();
        },
      };
    }
    file.close();
  }
}

function isStill(path: string, file: Deno.FsFile): boolean {
  try {
    return Deno.statSync(path).ino === file.statSync().ino;
  } catch {
    return false;
  }
}

/**
 * The saved state of a guest, with absolute paths, because it may have been
 * moved.
 */
function below(place: string, saved: SavedGuest): SavedGuest {
  const { state, disks, mapped } = saved;
  return {
    ...saved,
    state: `${place}/${state}`,
    disks: disks.map((disk) => ({
      ...disk,
      frozen: `${place}/${disk.frozen}`,
    })),
    mapped: mapped && {
      memory: `${place}/${mapped.memory}`,
      rest: `${place}/${mapped.rest}`,
    },
  };
}

/** All snapshots that are kept, by name. */
export function listKept(): KeptSnapshot[] {
  const directory = keptDirectory();
  const found: KeptSnapshot[] = [];
  for (const entry of entriesOf(directory)) {
    const path = `${directory}/${entry}`;
    const manifest = readManifest(path);
    if (manifest === undefined) continue;
    const { name, date, machines } = manifest;
    found.push({
      name,
      path,
      date,
      machines: machines.map(({ saved }) => saved.name),
      size: sizeOf(path),
    });
  }
  return found.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

/**
 * Removes kept snapshots, and the unfinished ones of runs that were killed.
 *
 * @param names The names of the snapshots to remove; all, if there are none.
 * @returns How many were removed.
 */
export function removeKept(names: readonly string[] = []): number {
  const directory = keptDirectory();
  const kept = listKept().filter(({ name }) =>
    names.length === 0 || names.includes(name)
  );
  for (const { path } of kept) removeIfThere(path);
  for (const entry of entriesOf(directory)) {
    if (entry.endsWith(".new")) removeIfThere(`${directory}/${entry}`);
  }
  return kept.length;
}

function unkept(
  name: string,
  machine: string,
  path: string,
  why: string,
): MachineError {
  return new MachineError(
    `the snapshot "${name}" can't be kept: a disk of ${machine} is an overlay of ` +
      `${path}, which ${why}`,
  );
}

function readManifest(place: string): Manifest | undefined {
  try {
    const manifest = JSON.parse(
      Deno.readTextFileSync(`${place}/${MANIFEST}`),
    ) as Manifest;
    return manifest.format === FORMAT ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The files of the host that a machine's start script names, and its command line or
 * description.
 */
function filesOf({ saved, startCommand }: KeptMachine): string[] {
  const words = Object.values(saved.guest.identity)
    .flatMap((text) => text.split(/[\0,="]/));
  return [startCommand, ...words].filter((word) => word.startsWith("/"));
}

/** Takes note of a file, and of all images that it is an overlay of. */
function stampAll(
  path: string | undefined,
  stamps: Record<string, string>,
): void {
  while (path?.startsWith("/") && stamps[path] === undefined) {
    const stamp = stampOf(path);
    if (stamp === undefined) return;
    stamps[path] = stamp;
    const below = backingOf(path);
    path = below === undefined || below.startsWith("/")
      ? below
      : `${directoryOf(path)}/${below}`;
  }
}

/** Facts that change when a file changes; nothing if there is no such file. */
function stampOf(path: string): string | undefined {
  try {
    const { isFile, size, mtime, ino } = Deno.statSync(path);
    // Files in Nix's store do not change, and have other numbers on other
    // hosts.
    if (isFile && path.startsWith(STORE)) return "in the store";
    return isFile ? `${size} ${mtime?.getTime()} ${ino}` : undefined;
  } catch {
    return undefined;
  }
}

/** The image that an image in QEMU's own format is an overlay of. */
function backingOf(path: string): string | undefined {
  try {
    using file = Deno.openSync(path);
    const header = new Uint8Array(20);
    if (file.readSync(header) !== header.length) return undefined;
    const view = new DataView(header.buffer);
    if (view.getUint32(0) !== QCOW2) return undefined;
    const length = view.getUint32(16);
    if (length === 0 || length > LONGEST_BACKING) return undefined;
    const name = new Uint8Array(length);
    file.seekSync(view.getBigUint64(8), Deno.SeekMode.Start);
    file.readSync(name);
    return new TextDecoder().decode(name);
  } catch {
    return undefined;
  }
}

/** Puts a file or directory that nobody writes to any more into a second place. */
async function putFile(from: string, to: string): Promise<void> {
  if (Deno.statSync(from).isDirectory) {
    Deno.mkdirSync(to, { mode: 0o700 });
    for (const name of entriesOf(from)) {
      await putFile(`${from}/${name}`, `${to}/${name}`);
    }
    return;
  }
  try {
    Deno.linkSync(from, to);
    return;
  } catch {
    // Another file system can't have a link to the file.
  }
  const why = await copyFile(from, to);
  if (why === undefined) return;
  throw new MachineError(`a snapshot can't be kept: ${why}`);
}

function entriesOf(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function sizeOf(path: string): number {
  const { isDirectory, blocks, size } = Deno.lstatSync(path);
  if (!isDirectory) return blocks === null ? size : blocks * 512;
  return entriesOf(path).reduce(
    (sum, name) => sum + sizeOf(`${path}/${name}`),
    0,
  );
}

function removeIfThere(path: string): void {
  try {
    removeTree(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
