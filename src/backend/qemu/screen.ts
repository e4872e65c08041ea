import { MachineError } from "../../errors.ts";
import type { QmpClient } from "../../qmp/mod.ts";
import { isTimeout } from "../../time/mod.ts";
import type { GuestScreen } from "../backend.ts";

/** Seconds that QEMU may take for a picture of the screen. */
const TIMEOUT = 30;

/** The screen of a guest of QEMU's. */
export class QemuScreen implements GuestScreen {
  readonly #qmp: QmpClient;
  readonly #name: string;

  /** Takes QEMU's monitor and the machine's name. */
  constructor(qmp: QmpClient, name: string) {
    this.#qmp = qmp;
    this.#name = name;
  }

  /** See {@linkcode GuestScreen.takePicture}. */
  async takePicture(path: string): Promise<void> {
    const args = { filename: path, format: "png" };
    try {
      await this.#qmp.send("screendump", args, { timeout: TIMEOUT });
    } catch (error) {
      if (!isTimeout(error)) throw error;
      throw new MachineError(
        `${this.#name} shows no screen: ${error.message}`,
        { cause: error },
      );
    }
  }
}
