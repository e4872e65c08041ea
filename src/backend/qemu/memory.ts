import { MachineError } from "../../errors.ts";
import { type QmpClient, QmpClosed, QmpError } from "../../qmp/mod.ts";
import { delay } from "../../time/mod.ts";
import type { GuestMemory } from "../backend.ts";

/** QEMU's name for a balloon that the driver adds. */
const ID = "vw-balloon";
/** Seconds between two looks at how much the guest has handed over. */
const INTERVAL = 0.05;
/** Seconds that a guest has for its first page: it may load the driver first. */
const FIRST_PAGE = 20;
/** Seconds without a page after which a guest has no more to give. */
const NEXT_PAGE = 10;
/** Seconds that a guest may take to release the balloon. */
const UNPLUG_TIMEOUT = 10;
/** Balloons hold whole pages. */
const PAGE = 4096;

/** The memory of a guest of QEMU's, which a virtio balloon holds parts of. */
export class QemuMemory implements GuestMemory {
  readonly #qmp: QmpClient;
  readonly #machine: string;
  readonly #isMapped: boolean;
  /** Bytes of each limit that is in force. */
  readonly #limits = new Set<{ readonly bytes: number }>();
  /** What the guest has without a limit. */
  #full = 0;
  #isAdded = false;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Takes QEMU's monitor, the machine's name, and whether its memory is the private
   * mapping of a file.
   */
  constructor(
    qmp: QmpClient,
    { machine, isMapped }: { machine: string; isMapped: boolean },
  ) {
    this.#qmp = qmp;
    this.#machine = machine;
    this.#isMapped = isMapped;
  }

  /** Whether there is a limit, or a balloon that is the driver's. */
  get isChanged(): boolean {
    return this.#isAdded || this.#limits.size > 0;
  }

  /** See {@linkcode GuestMemory.limit}. */
  limit(bytes: number): Promise<() => Promise<void>> {
    return this.#inTurn(async () => {
      if (this.#limits.size === 0) {
        const actual = await this.#begin();
        // After an earlier limit, the guest may not have taken all back yet.
        this.#full ||= actual;
      }
      const limit = { bytes: Math.ceil(bytes / PAGE) * PAGE };
      try {
        if (limit.bytes > this.#full) {
          throw new MachineError(
            `${this.#machine} has ${this.#full} bytes of memory, so it can't be ` +
              `limited to ${bytes}`,
          );
        }
        this.#limits.add(limit);
        await this.#reach(await this.#apply());
      } catch (error) {
        await this.#release(limit).catch(() => {});
        throw error;
      }
      return () => this.#inTurn(() => this.#release(limit));
    });
  }

  #inTurn<T>(fn: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(fn);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Adds a balloon where there is none, and gets the bytes of the memory. */
  async #begin(): Promise<number> {
    if (this.#isMapped) {
      // For each page in a balloon, QEMU punches a hole in the file.
      throw new MachineError(
        `${this.#machine} shares its memory with other forks of its snapshot, ` +
          "so the memory of one of them can't be limited: its fork or subtest " +
          "needs the option ownMemory (in Python, own_memory=True)",
      );
    }
    try {
      return await this.#actual();
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
        `${this.#machine} has no memory balloon, and QEMU can't add one while ` +
          `it runs (${error.message}): have the start script say ` +
          "-device virtio-balloon",
      );
    }
    this.#isAdded = true;
    return await this.#actual();
  }

  async #actual(): Promise<number> {
    const { actual } = await this.#qmp.send("query-balloon") as {
      actual: number;
    };
    return actual;
  }

  /** Tells the guest the smallest limit. */
  async #apply(): Promise<number> {
    const value = Math.min(
      this.#full,
      ...[...this.#limits].map(({ bytes }) => bytes),
    );
    await this.#qmp.send("balloon", { value });
    return value;
  }

  /** Waits until the guest has no more than so many bytes. */
  async #reach(value: number): Promise<void> {
    let least = await this.#actual(), seen = performance.now();
    let patience = FIRST_PAGE;
    while (true) {
      const actual = await this.#actual();
      if (actual <= value) return;
      if (actual < least) {
        least = actual;
        seen = performance.now();
        patience = NEXT_PAGE;
      } else if (performance.now() - seen > patience * 1000) {
        throw new MachineError(
          actual === this.#full
            ? `${this.#machine} gives no memory to a balloon: does its kernel ` +
              "have the driver virtio_balloon, and does it run?"
            : `${this.#machine} keeps ${actual} bytes of memory, which it needs ` +
              `itself, so it can't be limited to ${value}`,
        );
      }
      await delay(INTERVAL);
    }
  }

  async #release(limit: { readonly bytes: number }): Promise<void> {
    this.#limits.delete(limit);
    await this.#apply();
    if (this.#limits.size > 0 || !this.#isAdded) return;
    // The driver of the guest gives all pages back when its device goes.
    const deleted = this.#qmp.waitForEvent(
      ({ event, data }) => event === "DEVICE_DELETED" && data?.device === ID,
      { timeout: UNPLUG_TIMEOUT },
    );
    deleted.catch(() => {});
    try {
      await this.#qmp.send("device_del", { id: ID });
      await deleted;
      this.#isAdded = false;
    } catch (error) {
      // The guest has its memory again; the empty balloon may stay.
      if (error instanceof QmpClosed) throw error;
    }
  }
}
