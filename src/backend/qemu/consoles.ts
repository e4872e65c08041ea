import { type QmpClient, QmpClosed } from "../../qmp/mod.ts";
import { closeQuietly } from "../../stream/mod.ts";
import type { AddedConsole, GuestConsoles } from "../backend.ts";
import { addSocket } from "./added_socket.ts";
import type { MainLoop } from "./main_loop.ts";
import type { Sockets } from "./sockets.ts";

/** Seconds that QEMU may take to remove a device. */
const UNPLUG_TIMEOUT = 10;

/** Consoles that are added to a guest that runs. */
export class QemuConsoles implements GuestConsoles {
  readonly #qmp: QmpClient;
  readonly #sockets: Sockets;
  readonly #mainLoop: MainLoop | undefined;
  #added = 0;
  #open = 0;

  /** Takes QEMU's monitor, its sockets, and what wakes it for input. */
  constructor(
    qmp: QmpClient,
    sockets: Sockets,
    mainLoop: MainLoop | undefined,
  ) {
    this.#qmp = qmp;
    this.#sockets = sockets;
    this.#mainLoop = mainLoop;
  }

  /** How many there are now. */
  get open(): number {
    return this.#open;
  }

  async add(): Promise<AddedConsole> {
    const socket = await addSocket(
      this.#qmp,
      this.#sockets,
      `term.${this.#added++}`,
    );
    const { id, stream } = socket;
    this.#open++;
    const remove = async () => {
      try {
        await this.#unplug(id);
        await socket.remove();
      } catch (error) {
        // A guest that has ended has no devices.
        if (!(error instanceof QmpClosed)) throw error;
      } finally {
        this.#open--;
        closeQuietly(stream);
      }
    };
    try {
      await this.#qmp.send("device_add", {
        driver: "virtconsole",
        bus: "vw.0",
        chardev: id,
        id,
      });
    } catch (error) {
      this.#open--;
      await socket.remove().catch(() => {});
      throw error;
    }
    return { stream: this.#mainLoop?.waking(stream) ?? stream, remove };
  }

  /** Removes a console's device. Returns when the guest has let go of it. */
  async #unplug(id: string): Promise<void> {
    const deleted = this.#qmp.waitForEvent(
      ({ event, data }) => event === "DEVICE_DELETED" && data?.device === id,
      { timeout: UNPLUG_TIMEOUT },
    );
    deleted.catch(() => {});
    await this.#qmp.send("device_del", { id });
    await deleted;
  }
}
