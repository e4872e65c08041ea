import type { QmpClient } from "../../qmp/mod.ts";
import type { GuestInterrupt, GuestProcessors } from "../backend.ts";

/** The processors of a guest of QEMU's. */
export class QemuProcessors implements GuestProcessors, GuestInterrupt {
  readonly #qmp: QmpClient;

  /** Takes QEMU's monitor. */
  constructor(qmp: QmpClient) {
    this.#qmp = qmp;
  }

  /** See {@linkcode GuestProcessors.pause}. */
  async pause(): Promise<void> {
    await this.#qmp.send("stop");
  }

  /** See {@linkcode GuestProcessors.resume}. */
  async resume(): Promise<void> {
    await this.#qmp.send("cont");
  }

  /** See {@linkcode GuestInterrupt.press}. */
  async press(): Promise<void> {
    await this.#qmp.send("inject-nmi");
  }

  /** How many they are. */
  async count(): Promise<number> {
    return (await this.#qmp.send("query-cpus-fast") as unknown[]).length;
  }
}
