import type { QemuMachine } from "../../machine/mod.ts";
import type { QmpEvent } from "../../qmp/mod.ts";
import { isTimeout } from "../../time/mod.ts";

/** A machine's QMP events, which Python scripts read one after the other. */
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
   * The next event; nothing if none comes in time.
   *
   * @param timeout Seconds to wait; no limit if it is absent.
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

  /** Reads no more events. */
  [Symbol.dispose](): void {}
}
