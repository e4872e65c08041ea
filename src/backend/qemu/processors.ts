import { MachineError } from "../../errors.ts";
import { type QmpClient, QmpError } from "../../qmp/mod.ts";
import type { GuestInterrupt, GuestProcessors } from "../backend.ts";

/** The processors of a guest of QEMU's. */
export class QemuProcessors implements GuestProcessors, GuestInterrupt {
  readonly #qmp: QmpClient;
  readonly #name: string;

  /** Takes QEMU's monitor and the machine's name. */
  constructor(qmp: QmpClient, name: string) {
    this.#qmp = qmp;
    this.#name = name;
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
    try {
      await this.#qmp.send("inject-nmi");
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
      throw new MachineError(
        `${this.#name} is of a machine type without a non-maskable interrupt`,
        { cause: error },
      );
    }
  }

  /** How many they are. */
  async count(): Promise<number> {
    return (await this.#qmp.send("query-cpus-fast") as unknown[]).length;
  }
}
