import type { GuestDisk, GuestDisks } from "../backend/mod.ts";
import { UsageError } from "../errors.ts";
import { QmpClosed } from "../qmp/mod.ts";
import { after } from "../time/mod.ts";
import type { MachineCore } from "./core.ts";
import type { Fault } from "./faults.ts";

/** How much passes, for {@linkcode Disk.throttle}. */
export interface ThrottleOptions {
  /** Bytes in a second, read and written; no limit by default. */
  bytesPerSecond?: number;
  /** Reads and writes in a second; no limit by default. */
  operationsPerSecond?: number;
}

/** What fails, for {@linkcode Disk.fail}. */
export interface DiskFailureOptions {
  /** Whether reads do. */
  reads?: boolean;
  /** Whether writes do, and flushes. */
  writes?: boolean;
  /** Seconds from now until they do; 0 by default. */
  after?: number;
}

/** Makes a disk; only its machine does. */
export let makeDisk: (core: MachineCore, name?: string) => Disk;

/**
 * A disk of a machine that runs. What is done to it ends with the guest: a new
 * start has the disk as it was.
 */
export class Disk {
  readonly #core: MachineCore;
  readonly #name?: string;

  static {
    makeDisk = (core, name) => new Disk(core, name);
  }

  private constructor(core: MachineCore, name?: string) {
    this.#core = core;
    this.#name = name;
  }

  /**
   * Slows the disk down. A request that is larger than what passes in a second
   * does pass, and those after it wait for so much longer.
   *
   * @param options.bytesPerSecond Bytes in a second, read and written.
   * @param options.operationsPerSecond Reads and writes in a second.
   * @returns What ends it.
   * @throws {UsageError} for what is no limit, and for none.
   * @throws {MachineError} while the machine is not running, and where it has no
   * disk of that name.
   */
  async throttle(options: ThrottleOptions): Promise<Fault> {
    const { bytesPerSecond = 0, operationsPerSecond = 0 } = options;
    const limits = { bytesPerSecond, operationsPerSecond };
    const given = Object.values(options).filter((one) => one !== undefined);
    const isRight = given.length > 0 &&
      given.every((one) => Number.isInteger(one) && one > 0);
    if (!isRight) {
      throw new UsageError(
        "Expected whole numbers from 1 up as bytesPerSecond or " +
          `operationsPerSecond, got ${Deno.inspect(options)}`,
      );
    }
    const disk = await this.#find("throttle()");
    await this.#core.guarded(() => disk.throttle(limits));
    const shown = [
      bytesPerSecond > 0 && `${bytesPerSecond} bytes`,
      operationsPerSecond > 0 && `${operationsPerSecond} operations`,
    ].filter(Boolean).join(" and ");
    return this.#begin(
      `${shown} in a second`,
      () => disk.throttle({ bytesPerSecond: 0, operationsPerSecond: 0 }),
    );
  }

  /**
   * Has requests to the disk fail with an input or output error.
   *
   * @param options.reads Whether reads do.
   * @param options.writes Whether writes do, and flushes.
   * @param options.after Seconds from now until they do; 0 by default.
   * @returns What ends it.
   * @throws {UsageError} where nothing is to fail, and for what is no time.
   * @throws {MachineError} while the machine is not running, and where it has no
   * disk of that name.
   */
  async fail(options: DiskFailureOptions): Promise<Fault> {
    const { reads = false, writes = false, after: seconds = 0 } = options;
    if (!reads && !writes) {
      throw new UsageError(
        "Expected { reads: true } or { writes: true } for what is to fail of a " +
          `disk, got ${Deno.inspect(options)}`,
      );
    }
    if (!(seconds >= 0 && seconds < Infinity)) {
      throw new UsageError(
        `Expected seconds until a disk fails, got ${Deno.inspect(seconds)}`,
      );
    }
    const disk = await this.#find("fail()");
    const begin = () => this.#core.guarded(() => disk.fail({ reads, writes }));
    let beginning: Promise<void> | undefined;
    let cancel = () => {};
    if (seconds === 0) await begin();
    else {
      cancel = after(seconds, () => {
        beginning = begin().catch((error) =>
          this.#core.log.warning(
            `disk does not fail: ${error.message}`,
            this.#core.attributes,
          )
        );
      });
    }
    const what = [reads && "reads", writes && "writes"].filter(Boolean)
      .join(" and ");
    const when = seconds === 0 ? "" : ` after ${seconds} s`;
    return this.#begin(`${what} fail${when}`, async () => {
      cancel();
      await beginning;
      await disk.fail({ reads: false, writes: false });
    });
  }

  /**
   * Takes the disk out of the guest, which lets go of it. It is there again after
   * the next start.
   *
   * @throws {MachineError} while the machine is not running, where it has no disk
   * of that name, where the disk can't be taken out while the guest runs, and
   * where the guest does not let go.
   */
  async detach(): Promise<void> {
    const disk = await this.#find("detach()");
    this.#core.log.info(`${this.#label}: detached`, this.#core.attributes);
    await this.#core.guarded(() => disk.detach());
    this.#core.log.mark("fault", {
      machine: this.#core.name,
      text: `${this.#label} detached`,
    });
  }

  /**
   * Has the disk have a write cache that loses what it holds in a
   * {@linkcode QemuMachine.powerLoss}: all that the guest writes from now on and
   * does not flush. What was written before counts as flushed. Until this ends,
   * all writes are kept in a file beside the disk.
   *
   * @returns What ends it: the disk keeps what it has.
   * @throws {MachineError} while the machine is not running, and where it has no
   * disk of that name.
   */
  async cacheWrites(): Promise<Fault> {
    const disk = await this.#find("cacheWrites()");
    await this.#core.guarded(() => disk.track(true));
    return this.#begin("caches writes", () => disk.track(false), "note");
  }

  get #label(): string {
    return this.#name === undefined ? "disk" : `disk ${this.#name}`;
  }

  async #find(method: string): Promise<GuestDisk> {
    const disks: GuestDisks = this.#core.capability("disks", method);
    return await this.#core.guarded(() => disks.find(this.#name));
  }

  #begin(
    text: string,
    undo: () => Promise<void>,
    kind?: "note",
  ): Fault {
    return this.#core.faults.begin({
      text: `${this.#label}: ${text}`,
      machine: this.#core.name,
      kind,
      async undo() {
        try {
          await undo();
        } catch (error) {
          // A guest that has ended has no disks any more.
          if (!(error instanceof QmpClosed)) throw error;
        }
      },
    });
  }
}
