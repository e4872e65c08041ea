import { statfsSync } from "node:fs";
import { MachineError } from "../../errors.ts";
import { directoryOf } from "../../paths.ts";
import { type QmpClient, QmpError } from "../../qmp/mod.ts";
import { shellQuote } from "../../shell/shell_quote.ts";
import { delay } from "../../time/mod.ts";
import type { GuestSnapshots, Obstacle, SavedGuest } from "../backend.ts";
import { untilDrained } from "../drained.ts";
import type { Identity } from "../identity.ts";
import type { QemuDisks } from "./disks.ts";
import { hasRoomFor, mappableMemory } from "./main_memory.ts";
import { type MemoryBlock, splitState } from "./memory_file.ts";

/** Seconds that QEMU may take to save a guest, or to load one. */
const MIGRATE_TIMEOUT = 600;
/** QEMU's reason why a share prevents saving. */
const SHARE =
  /VirtFS export path '(.*)' is mounted in the guest using mount_tag '(.*)'/;

/** The parts of a machine that {@linkcode QemuSnapshots} uses. */
export interface SavedParts {
  /** QEMU's monitor. */
  readonly qmp: () => QmpClient;
  /** The machine's name. */
  readonly name: () => string;
  /** The guest's disks. */
  readonly disks: () => QemuDisks;
  /** Consoles and terminals that were added while it ran. */
  readonly addedConsoles: () => number;
  /** Whether a balloon holds some of its memory on purpose. */
  readonly isMemoryLimited: () => boolean;
  /** QEMU's identity. */
  readonly identity: () => Promise<Identity>;
  /**
   * How many reads of its streams have ended, and whether all wait for more.
   */
  readonly taken: () => { reads: number; isAwaited: boolean };
}

/** Saves a guest to a file, by QEMU's migration. */
export class QemuSnapshots implements GuestSnapshots {
  readonly #parts: SavedParts;
  /** The guest's memory, if forks can map it. */
  readonly #memory = new WeakMap<SavedGuest, MemoryBlock>();
  #mappable?: MemoryBlock;
  #wasRunning = true;

  /** Takes the parts of the machine. */
  constructor(parts: SavedParts) {
    this.#parts = parts;
  }

  /** See {@linkcode GuestSnapshots.obstacles}. */
  async obstacles(): Promise<Obstacle[]> {
    const qmp = this.#parts.qmp(), disks = this.#parts.disks();
    const obstacles: Obstacle[] = [];
    // QEMU before 6.0 does not list them, but refuses to save.
    const { "blocked-reasons": reasons = [] } = await qmp.send(
      "query-migrate",
    ) as { "blocked-reasons"?: string[] };
    for (const reason of reasons) {
      // This names the device alone.
      if (reason.includes("vhost-user-fs")) continue;
      const [, source, tag] = SHARE.exec(reason) ?? [];
      obstacles.push({ reason, tag, source });
    }
    if (reasons.some((reason) => reason.includes("vhost-user-fs"))) {
      for (const tag of await virtiofsTags(qmp)) {
        obstacles.push({
          tag,
          reason:
            `it has the virtiofs share "${tag}": a process beside QEMU serves ` +
            "it, and can't be saved",
        });
      }
    }
    for (const reason of await disks.obstacles()) obstacles.push({ reason });
    if (this.#parts.addedConsoles() > 0) {
      obstacles.push({ reason: "a terminal of the guest is open" });
    }
    if (this.#parts.isMemoryLimited()) {
      obstacles.push({
        reason:
          "limitMemory() limits the memory of the guest: end that limit first",
      });
    }
    // This is asked here, as a guest that is saved stands still meanwhile.
    const { "command line": words } = await this.#parts.identity();
    this.#mappable = await mappableMemory(qmp, words);
    return obstacles;
  }

  /** See {@linkcode GuestSnapshots.rivalry}. */
  async rivalry(): Promise<string | undefined> {
    const text = await this.#parts.qmp().send("human-monitor-command", {
      "command-line": "info network",
    }) as string;
    const [, tap] = /type=tap,.*?ifname=([^,\s]+)/.exec(text) ?? [];
    if (tap !== undefined) {
      return `its network card is on the host's interface ${tap}`;
    }
    const { "command line": words } = await this.#parts.identity();
    const [, forward] = /\bhostfwd=([^,\0]+)/.exec(words) ?? [];
    if (forward === undefined) return undefined;
    return `its start script forwards a port of the host (hostfwd=${forward})`;
  }

  /** See {@linkcode GuestSnapshots.memory}. */
  async memory(): Promise<number> {
    const summary = await this.#parts.qmp().send("query-memory-size-summary");
    return (summary as { "base-memory": number })["base-memory"];
  }

  /** See {@linkcode GuestSnapshots.pause}. */
  async pause(): Promise<void> {
    const qmp = this.#parts.qmp();
    const { running } = await qmp.send("query-status") as { running: boolean };
    this.#wasRunning = running;
    if (running) await qmp.send("stop");
  }

  /** See {@linkcode GuestSnapshots.drained}. */
  async drained(): Promise<void> {
    const { name, qmp, taken } = this.#parts;
    await untilDrained({
      name: name(),
      ask: () => qmp().send("query-status"),
      taken,
    });
  }

  /** See {@linkcode GuestSnapshots.save}. */
  async save(directory: string): Promise<SavedGuest> {
    const qmp = this.#parts.qmp(), name = this.#parts.name();
    const identity = await this.#parts.identity();
    const disks = await this.#parts.disks().freeze(directory);
    const memory = this.#mappable;
    const state = `${directory}/state`;
    const file = shellQuote(state), part = shellQuote(`${state}.part`);
    const failed = `${state}.failed`;
    await migrate(
      qmp,
      "migrate",
      `exec:umask 077; if cat > ${part}; then mv ${part} ${file}; ` +
        `else : > ${shellQuote(failed)}; fi`,
      `${name} can't be saved`,
      () => room(directory),
    );
    // QEMU is done when the last is in the pipe.
    while (!exists(state)) {
      if (exists(failed)) {
        throw new MachineError(
          `${name} can't be saved: its state could not be written to ` +
            `${directory}${room(directory)}`,
        );
      }
      await delay(0.002);
    }
    const saved = { identity, disks, state, isPaused: !this.#wasRunning };
    if (memory !== undefined) this.#memory.set(saved, memory);
    return saved;
  }

  /** See {@linkcode GuestSnapshots.layOut}. */
  async layOut(saved: SavedGuest, signal: AbortSignal): Promise<SavedGuest> {
    const block = this.#memory.get(saved), { state } = saved;
    if (block === undefined) return saved;
    if (!hasRoomFor(block.size, directoryOf(state))) return saved;
    const mapped = { memory: `${state}.memory`, rest: `${state}.rest` };
    try {
      if (await splitState(state, block, mapped, signal)) {
        return { ...saved, mapped };
      }
    } catch {
      // The disk is full, or the run ends: the whole state is there.
    }
    for (const path of Object.values(mapped)) removeIfThere(path);
    return saved;
  }

  /**
   * Loads a saved guest into a QEMU that waits for it.
   *
   * @throws {MachineError} if that fails.
   */
  async load({ state, mapped, isPaused }: SavedGuest): Promise<void> {
    this.#wasRunning = !isPaused;
    await migrate(
      this.#parts.qmp(),
      "migrate-incoming",
      `exec:exec cat ${shellQuote(mapped?.rest ?? state)}`,
      `${this.#parts.name()} can't go on from the snapshot`,
    );
  }

  /** See {@linkcode GuestSnapshots.go}. */
  async go(): Promise<void> {
    if (this.#wasRunning) await this.#parts.qmp().send("cont");
  }
}

/** The tags of the guest's shares over virtiofs. */
async function virtiofsTags(qmp: QmpClient): Promise<string[]> {
  const tags: string[] = [];
  for (const place of ["peripheral", "peripheral-anon"]) {
    const path = `/machine/${place}`;
    const devices = await qmp.send("qom-list", { path }) as {
      name: string;
      type: string;
    }[];
    for (const { name, type } of devices) {
      if (!type.includes("vhost-user-fs")) continue;
      const device = { path: `${path}/${name}`, property: "tag" };
      tags.push(await qmp.send("qom-get", device) as string);
    }
  }
  return tags;
}

/** Saves or loads by QEMU's migration. */
async function migrate(
  qmp: QmpClient,
  command: "migrate" | "migrate-incoming",
  uri: string,
  failure: string,
  hint: () => string = () => "",
): Promise<void> {
  await qmp.send("migrate-set-capabilities", {
    capabilities: [{ capability: "events", state: true }],
  });
  const over = qmp.waitForEvent(
    ({ event, data }) =>
      event === "MIGRATION" &&
      (data?.status === "completed" || data?.status === "failed"),
    { timeout: MIGRATE_TIMEOUT },
  );
  over.catch(() => {});
  if (command === "migrate") {
    // Nothing else needs the disk or the network meanwhile.
    await qmp.send("migrate-set-parameters", { "max-bandwidth": 2 ** 40 });
  }
  try {
    await qmp.send(command, { uri });
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
    // QEMU knows before it begins that it can't save a device.
    throw new MachineError(`${failure}: ${error.description}`, {
      cause: error,
    });
  }
  const { data } = await over;
  if (data?.status === "completed") return;
  const { "error-desc": why = "QEMU does not say why" } = await qmp.send(
    "query-migrate",
  ) as { "error-desc"?: string };
  throw new MachineError(`${failure}: ${why}${hint()}`);
}

/** Names a full file system as the reason. */
function room(directory: string): string {
  try {
    const { bavail, bsize } = statfsSync(directory);
    const free = bavail * bsize;
    if (free > 1 << 20) return "";
    return `: there is no room in the file system of ${directory}`;
  } catch {
    return "";
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
