import { MachineError } from "../../errors.ts";
import { type QmpClient, QmpError, type QmpEvent } from "../../qmp/mod.ts";
import { isTimeout } from "../../time/mod.ts";
import type { DiskFailures, DiskLimits, GuestDisk } from "../backend.ts";
import { writeAll } from "../../stream/mod.ts";
import { LOG_SECTOR, type Piece, unflushed } from "./write_log.ts";

/** Linux's number of an input/output error. */
const EIO = 5;
/** Seconds that a guest may take to release a disk. */
const DETACH_TIMEOUT = 60;
/** Bytes that one write takes. */
const BATCH = 1024 * 1024;

/** QEMU's description of a disk. */
export interface DiskFacts {
  /** Its name in the start script, or QEMU's name. */
  readonly name: string;
  /** QEMU's path of the device. */
  readonly path: string;
  /** The node that the device reads and writes. */
  readonly node: string;
  /** Bytes. */
  readonly size: number;
  /** Distinguishes the guest's disks. */
  readonly number: number;
}

/** The files of a disk with a write cache. */
interface Tracking {
  /** The log of all writes and flushes. */
  readonly log: string;
  /** The earlier contents of written places. */
  readonly before: string;
}

/**
 * A disk of a guest of QEMU. The driver puts nodes between the device and its
 * image, in this order: one that lets requests fail, one that logs them, and
 * one that copies contents before they are overwritten.
 */
export class QemuBlockDevice implements GuestDisk {
  readonly #qmp: QmpClient;
  readonly #machine: string;
  readonly #directory: string;
  #facts: DiskFacts;
  #failures?: DiskFailures;
  #tracking?: Tracking;
  /** Bytes of the log up to {@linkcode cut}. */
  #logged = 0;
  /** The node that the device reads and writes now. */
  #top: string;

  /**
   * Takes QEMU's monitor.
   *
   * @param machine The machine's name.
   * @param directory The directory for files.
   */
  constructor(
    qmp: QmpClient,
    machine: string,
    directory: string,
    facts: DiskFacts,
  ) {
    this.#qmp = qmp;
    this.#machine = machine;
    this.#directory = directory;
    this.#facts = facts;
    this.#top = facts.node;
  }

  /**
   * Notes the node that the device reads and writes, which a snapshot changes.
   */
  refresh(node: string): void {
    if (this.#top !== this.#facts.node) return;
    this.#facts = { ...this.#facts, node };
    this.#top = node;
  }

  /** Whether the disk has a write cache. */
  get isTracked(): boolean {
    return this.#tracking !== undefined;
  }

  /** See {@linkcode GuestDisk.throttle}. */
  async throttle(limits: DiskLimits): Promise<void> {
    await this.#qmp.send("block_set_io_throttle", {
      id: this.#facts.path,
      bps: limits.bytesPerSecond,
      bps_rd: 0,
      bps_wr: 0,
      iops: limits.operationsPerSecond,
      iops_rd: 0,
      iops_wr: 0,
    });
  }

  /** See {@linkcode GuestDisk.fail}. */
  async fail(failures: DiskFailures): Promise<void> {
    await this.#withoutFailures();
    this.#failures = failures.reads || failures.writes ? failures : undefined;
    await this.#withFailures();
  }

  /** See {@linkcode GuestDisk.detach}. */
  async detach(): Promise<void> {
    const device = this.#facts.path.replace(/\/virtio-backend$/, "");
    const isGone = ({ event, data }: QmpEvent) =>
      event === "DEVICE_DELETED" && data?.path === device;
    // The event may come before the answer.
    const waiting = new AbortController();
    const gone = this.#qmp.waitForEvent(isGone, {
      timeout: DETACH_TIMEOUT,
      signal: waiting.signal,
    });
    gone.catch(() => {});
    try {
      await this.#qmp.send("device_del", { id: device });
    } catch (error) {
      waiting.abort();
      const isRefused = error instanceof QmpError &&
        error.description.includes("hotplug");
      if (!isRefused) throw error;
      throw new MachineError(
        `${this.#machine} can't lose its disk ${this.#facts.name} while it ` +
          `runs (${error.description}): on machine types such as q35 and ` +
          "virt, have the start script put it on a -device pcie-root-port",
        { cause: error },
      );
    }
    try {
      await gone;
    } catch (error) {
      if (!isTimeout(error)) throw error;
      throw new MachineError(
        `the guest of ${this.#machine} has not released its disk ` +
          `${this.#facts.name} in ${DETACH_TIMEOUT} seconds`,
        { cause: error },
      );
    }
  }

  /** See {@linkcode GuestDisk.track}. */
  async track(isTracked: boolean): Promise<void> {
    if (isTracked === this.isTracked) return;
    // The guest must write nothing while the log is incomplete.
    await this.#whileStopped(async () => {
      const failures = this.#failures;
      await this.#withoutFailures();
      if (isTracked) await this.#beginTracking();
      else await this.#endTracking();
      this.#failures = failures;
      await this.#withFailures();
    });
  }

  /** Cuts the device off from its image, at one moment. */
  async cut(): Promise<void> {
    await this.#qmp.send("blockdev-add", {
      driver: "blkdebug",
      "node-name": this.#node("dead"),
      image: { driver: "null-co", size: this.#facts.size, "read-zeroes": true },
      "inject-error": [{ event: "none", errno: EIO }],
    });
    await this.#attach(this.#node("dead"));
  }

  /**
   * Undoes the writes that were not flushed before {@linkcode cut}. The guest
   * stands still.
   */
  async rollBack(): Promise<void> {
    const { log, before } = this.#tracking!;
    using logged = await Deno.open(log);
    const pieces = inBatches(unflushed({
      length: this.#logged,
      read: (at, length) => readAt(logged, at, new Uint8Array(length)),
    }));
    if (this.#failures !== undefined) await this.#remove("failing");
    await this.#remove("log");
    await this.#attach(this.#facts.node);
    await this.#remove("copying");
    await this.#remove("dead");
    this.#tracking = undefined;
    const path = `${this.#directory}/${this.#node("restored")}`;
    using old = await Deno.open(before);
    using batch = await Deno.open(path, {
      read: true,
      write: true,
      create: true,
      truncate: true,
    });
    // QEMU's words end at the next space.
    const shown = `/proc/${Deno.pid}/fd/${fileNumber(path)}`;
    for (const batched of pieces) {
      const { at } = batched[0], { at: last, length } = batched.at(-1)!;
      const bytes = new Uint8Array(last + length - at);
      for (const { at: from, length, inLog } of batched) {
        const place = bytes.subarray(from - at, from - at + length);
        if (inLog === undefined) readAt(old, from, place);
        else readAt(logged, inLog, place);
      }
      await batch.seek(0, Deno.SeekMode.Start);
      await writeAll(batch, bytes);
      await this.#qmp.send("human-monitor-command", {
        "command-line": `qemu-io -d ${this.#facts.path} ` +
          `"write -q -s ${shown} ${at} ${bytes.length}"`,
      });
    }
    for (const file of [log, before, path]) await Deno.remove(file);
  }

  /**
   * Notes where the log ends after {@linkcode cut}, before QEMU flushes by
   * itself.
   */
  async endLog(): Promise<void> {
    this.#logged = (await Deno.stat(this.#tracking!.log)).size;
  }

  async #beginTracking(): Promise<void> {
    const tracking = this.#tracking = {
      log: `${this.#directory}/${this.#node("log")}`,
      before: `${this.#directory}/${this.#node("before")}`,
    };
    for (const path of Object.values(tracking)) {
      await Deno.writeFile(path, new Uint8Array(0), { mode: 0o600 });
    }
    await Deno.truncate(tracking.before, this.#facts.size);
    await this.#qmp.send("blockdev-add", {
      driver: "copy-before-write",
      "node-name": this.#node("copying"),
      file: this.#facts.node,
      target: { driver: "file", filename: tracking.before },
    });
    await this.#attach(this.#node("copying"));
    await this.#qmp.send("blockdev-add", {
      driver: "blklogwrites",
      "node-name": this.#node("log"),
      file: this.#node("copying"),
      log: { driver: "file", filename: tracking.log },
      "log-sector-size": LOG_SECTOR,
    });
    await this.#attach(this.#node("log"));
  }

  async #endTracking(): Promise<void> {
    await this.#attach(this.#node("copying"));
    await this.#remove("log");
    await this.#attach(this.#facts.node);
    await this.#remove("copying");
    for (const path of Object.values(this.#tracking!)) await Deno.remove(path);
    this.#tracking = undefined;
  }

  async #withFailures(): Promise<void> {
    if (this.#failures === undefined) return;
    const { reads, writes } = this.#failures;
    const kinds = [
      ...reads ? ["read"] : [],
      ...writes ? ["write", "write-zeroes", "discard", "flush"] : [],
    ];
    await this.#qmp.send("blockdev-add", {
      driver: "blkdebug",
      "node-name": this.#node("failing"),
      image: this.#top,
      "inject-error": kinds.map((iotype) => ({
        event: "none",
        iotype,
        errno: EIO,
      })),
    });
    await this.#attach(this.#node("failing"));
  }

  async #withoutFailures(): Promise<void> {
    if (this.#failures === undefined) return;
    await this.#attach(this.isTracked ? this.#node("log") : this.#facts.node);
    await this.#remove("failing");
    this.#failures = undefined;
  }

  async #whileStopped(fn: () => Promise<void>): Promise<void> {
    const { running } = await this.#qmp.send("query-status") as {
      running: boolean;
    };
    if (running) await this.#qmp.send("stop");
    try {
      await fn();
    } finally {
      if (running) await this.#qmp.send("cont");
    }
  }

  async #attach(node: string): Promise<void> {
    // QEMU crashes if a command sets the present state again.
    if (node === this.#top) return;
    await this.#qmp.send("qom-set", {
      path: this.#facts.path,
      property: "drive",
      value: node,
    });
    this.#top = node;
  }

  async #remove(what: string): Promise<void> {
    await this.#qmp.send("blockdev-del", { "node-name": this.#node(what) });
  }

  #node(what: string): string {
    return `vw-disk${this.#facts.number}-${what}`;
  }
}

/** Pieces that follow each other, in batches that one write takes. */
function* inBatches(pieces: readonly Piece[]): Generator<Piece[]> {
  let batch: Piece[] = [], end = 0, room = BATCH;
  for (const { at, length, inLog } of pieces) {
    for (let done = 0; done < length;) {
      if (batch.length > 0 && (room === 0 || at + done !== end)) {
        yield batch;
        batch = [];
        room = BATCH;
      }
      const part = Math.min(length - done, room);
      batch.push({
        at: at + done,
        length: part,
        inLog: inLog === undefined ? undefined : inLog + done,
      });
      done += part;
      room -= part;
      end = at + done;
    }
  }
  if (batch.length > 0) yield batch;
}

/** Fills a buffer from a file, as far as the file goes. */
function readAt(file: Deno.FsFile, at: number, into: Uint8Array): Uint8Array {
  file.seekSync(at, Deno.SeekMode.Start);
  for (let filled = 0; filled < into.length;) {
    const count = file.readSync(into.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return into;
}

/** The file descriptor of a file that this process has open. */
function fileNumber(path: string): string {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`) === path) return name;
    } catch {
      // This entry was the directory itself.
    }
  }
  throw new Error(`Expected ${path} to be open`);
}
