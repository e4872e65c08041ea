import type { GuestDisk } from "../backend/mod.ts";
import { isHypervisorGone, UsageError } from "../errors.ts";
import { after } from "../time/mod.ts";
import { lacking } from "./capabilities.ts";
import type { MachineCore } from "./core.ts";
import type { Fault } from "./faults.ts";

/** Makes a disk; only its machine does. */
export let makeDisk: (core: MachineCore, name?: string) => Disk;

/**
 * A disk of a running machine. Its faults end with the guest: after a new start
 * the disk is as before. QEMU can do all of this, Firecracker {@linkcode
 * throttle} and Cloud Hypervisor {@linkcode detach}; the rest throws a
 * `MachineError` there.
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
   * Slows the disk down. A request that is larger than the limit of a second
   * passes, and later requests wait correspondingly longer.
   *
   * @param options.bytesPerSecond Bytes a second, read and written. Default: no
   * limit.
   * @param options.operationsPerSecond Reads and writes a second. Default: no
   * limit.
   * @returns The fault, which ends this.
   * @throws {UsageError} if a limit is not valid, or if there is none.
   * @throws {MachineError} if the machine is not running, or has no disk of
   * that name.
   */
  async throttle(
    options: { bytesPerSecond?: number; operationsPerSecond?: number },
  ): Promise<Fault> {
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
    const disk = await this.#find("throttle()", "throttle");
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
   * Lets requests to the disk fail with an input/output error.
   *
   * @param options.reads Whether reads fail. Default: false.
   * @param options.writes Whether writes and flushes fail. Default: false.
   * @param options.after Seconds until they begin to fail. Default: 0.
   * @returns The fault, which ends this.
   * @throws {UsageError} if nothing is to fail, or if the time is not valid.
   * @throws {MachineError} if the machine is not running, or has no disk of
   * that name.
   */
  async fail(
    options: { reads?: boolean; writes?: boolean; after?: number },
  ): Promise<Fault> {
    const { reads = false, writes = false, after: seconds = 0 } = options;
    if (!reads && !writes) {
      throw new UsageError(
        "Expected { reads: true } or { writes: true }, the requests of a disk " +
          `that fail, got ${Deno.inspect(options)}`,
      );
    }
    if (!(seconds >= 0 && seconds < Infinity)) {
      throw new UsageError(
        `Expected seconds until a disk fails, got ${Deno.inspect(seconds)}`,
      );
    }
    const disk = await this.#find("fail()", "fail");
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
   * Removes the disk from the guest. The next start has it again.
   *
   * @throws {MachineError} if the machine is not running, has no disk of that
   * name, can't lose this disk while it runs, or does not release it.
   */
  async detach(): Promise<void> {
    const disk = await this.#find("detach()", "detach");
    await this.#core.guarded(() => disk.detach());
    this.#core.log.info(`${this.#label}: detached`, this.#core.attributes);
    this.#core.log.mark("fault", {
      machine: this.#core.label,
      text: `${this.#label} detached`,
    });
  }

  /**
   * Gives the disk a write cache, whose content a {@linkcode
   * QemuMachine.powerLoss} loses: everything that the guest writes from now on
   * and does not flush. Earlier writes count as flushed. Until this ends, a
   * file beside the disk keeps all writes.
   *
   * @returns The fault, which ends this. Then the disk keeps its content.
   * @throws {MachineError} if the machine is not running, or has no disk of
   * that name.
   */
  async cacheWrites(): Promise<Fault> {
    const disk = await this.#find("cacheWrites()", "track");
    await this.#core.guarded(() => disk.track(true));
    return this.#begin("caches writes", () => disk.track(false), "note");
  }

  get #label(): string {
    return this.#name === undefined ? "disk" : `disk ${this.#name}`;
  }

  /** Finds the disk, if its hypervisor can do this with it. */
  async #find<Name extends keyof GuestDisk>(
    method: string,
    what: Name,
  ): Promise<Required<Pick<GuestDisk, Name>>> {
    const disks = this.#core.capability("disks", method);
    const disk: GuestDisk = await this.#core.guarded(() =>
      disks.find(this.#name)
    );
    if (disk[what] === undefined) {
      throw lacking(this.#core, method, `disk.${what}`);
    }
    return disk as Required<Pick<GuestDisk, Name>>;
  }

  #begin(
    text: string,
    undo: () => Promise<void>,
    kind?: "note",
  ): Fault {
    return this.#core.faults.begin({
      text: `${this.#label}: ${text}`,
      machine: this.#core.label,
      kind,
      async undo() {
        try {
          await undo();
        } catch (error) {
          // A guest that has ended has no disks.
          if (!isHypervisorGone(error)) throw error;
        }
      },
    });
  }
}
