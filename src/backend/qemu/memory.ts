import { MachineError } from "../../errors.ts";
import { type QmpClient, QmpClosed, QmpError } from "../../qmp/mod.ts";
import type { GuestMemory } from "../backend.ts";
import { type Balloon, LimitedMemory } from "../limited_memory.ts";

/** QEMU's name for a balloon that the driver adds. */
const ID = "vw-balloon";
/** Seconds that a guest may take to release the balloon. */
const UNPLUG_TIMEOUT = 10;

/** What a {@linkcode QemuMemory} needs to know. */
export interface QemuMemoryOptions {
  /** The machine's name. */
  readonly machine: string;
  /** Whether its memory is the private mapping of a file. */
  readonly isMapped: boolean;
}

/** The memory of a guest of QEMU's. */
export class QemuMemory implements GuestMemory {
  readonly #balloon: QemuBalloon;
  readonly #memory: LimitedMemory;

  /** Takes QEMU's monitor. */
  constructor(qmp: QmpClient, options: QemuMemoryOptions) {
    this.#balloon = new QemuBalloon(qmp, options);
    this.#memory = new LimitedMemory(this.#balloon, options.machine);
  }

  /** Whether there is a limit, or a balloon that is the driver's. */
  get isChanged(): boolean {
    return this.#balloon.isAdded || this.#memory.isLimited;
  }

  /** See {@linkcode GuestMemory.limit}. */
  limit(bytes: number): Promise<() => Promise<void>> {
    return this.#memory.limit(bytes);
  }
}

/** The balloon of a guest of QEMU's, which this adds if there is none. */
class QemuBalloon implements Balloon {
  readonly page = 4096;
  readonly #qmp: QmpClient;
  readonly #options: QemuMemoryOptions;
  isAdded = false;

  constructor(qmp: QmpClient, options: QemuMemoryOptions) {
    this.#qmp = qmp;
    this.#options = options;
  }

  async open(): Promise<void> {
    const { machine, isMapped } = this.#options;
    if (isMapped) {
      // For each page in a balloon, QEMU punches a hole in the file.
      throw new MachineError(
        `${machine} shares its memory with other forks of its snapshot, ` +
          "so the memory of one of them can't be limited: its fork or subtest " +
          "needs the option ownMemory (in Python, own_memory=True)",
      );
    }
    try {
      await this.left();
      return;
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
    }
    try {
      await this.#qmp.send("device_add", {
        driver: "virtio-balloon-pci",
        id: ID,
      });
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
      throw new MachineError(
        `${machine} has no memory balloon, and QEMU can't add one while ` +
          `it runs (${error.message}): have the start script say ` +
          "-device virtio-balloon",
      );
    }
    this.isAdded = true;
  }

  async left(): Promise<number> {
    const { actual } = await this.#qmp.send("query-balloon") as {
      actual: number;
    };
    return actual;
  }

  async leave(value: number): Promise<void> {
    await this.#qmp.send("balloon", { value });
  }

  async close(): Promise<void> {
    if (!this.isAdded) return;
    // The driver of the guest gives all pages back when its device goes.
    const deleted = this.#qmp.waitForEvent(
      ({ event, data }) => event === "DEVICE_DELETED" && data?.device === ID,
      { timeout: UNPLUG_TIMEOUT },
    );
    deleted.catch(() => {});
    try {
      await this.#qmp.send("device_del", { id: ID });
      await deleted;
      this.isAdded = false;
    } catch (error) {
      // The guest has its memory again; the empty balloon may stay.
      if (error instanceof QmpClosed) throw error;
    }
  }
}
