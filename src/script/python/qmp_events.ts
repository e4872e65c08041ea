import type { QemuMachine } from "../../machine/mod.ts";
import type { QmpEvent } from "../../qmp/mod.ts";
import { isTimeout } from "../../time/mod.ts";

/** A machine's QMP events, one after the other, as Python scripts ask for them. */
export class QmpEvents implements Disposable {
  readonly #machine: QemuMachine;
  #ready = false;

  /** Takes the machine. */
  constructor(machine: QemuMachine) {
    this.#machine = machine;
  }

  /** Whether the machine was started. */
  get ready(): boolean {
    this.listen();
    return this.#ready;
  }

  /** Notes whether the machine was started. */
  listen(): void {
    this.#ready ||= this.#machine.booted;
  }

  /**
   * The next event, or nothing if none comes in time.
   *
   * @param timeout Seconds; no limit without.
   */
  async next(timeout = Infinity): Promise<QmpEvent | undefined> {
    try {
      return await this.#machine.waitForQmpEvent(() => true, {
        timeout: Math.max(0, timeout),
      });
    } catch (error) {
      const isOver = error instanceof Error && isTimeout(error.cause);
      if (!isOver) throw error;
    }
  }

  /** Leaves the events to others. */
  [Symbol.dispose](): void {}
}
