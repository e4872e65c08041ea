import type { QmpClient } from "../../qmp/mod.ts";
import type { GuestNetwork } from "../backend.ts";

/** The network card that leads to the other machines; the first is QEMU's. */
const CARD = "virtio-net-pci.1";

/** The network cards of a guest of QEMU's. */
export class QemuNetwork implements GuestNetwork {
  readonly #qmp: QmpClient;

  /** Takes QEMU's monitor. */
  constructor(qmp: QmpClient) {
    this.#qmp = qmp;
  }

  /** See {@linkcode GuestNetwork.plug}. */
  async plug(isIn: boolean): Promise<void> {
    await this.#qmp.send("set_link", { name: CARD, up: isIn });
  }

  /** See {@linkcode GuestNetwork.forwardPort}. */
  async forwardPort(
    hostPort: number,
    guestPort: number,
  ): Promise<string | undefined> {
    const answer = await this.#qmp.send("human-monitor-command", {
      "command-line": `hostfwd_add tcp::${hostPort}-:${guestPort}`,
    }) as string;
    return answer.trim() || undefined;
  }
}
