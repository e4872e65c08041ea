import { type QmpClient, QmpError } from "../../qmp/mod.ts";
import type { ByteStream } from "../../stream/mod.ts";

/** A byte that QEMU's human monitor reads and does nothing about. */
const NOTHING = new Uint8Array(1);

/**
 * Wakes QEMU's main loop, where nothing else does.
 *
 * The main loop polls the host's end of a port only if the guest has it open, and
 * looks at that whenever it wakes. With `ioeventfd=off` the guest's processor
 * itself takes the message that a port was opened, and does not wake the main
 * loop; what the host then writes stays in the socket until it wakes for
 * something else. Under TCG, that is the guest's next timer. Under KVM, timers are
 * the kernel's, and an idle guest may stand still for seconds.
 */
export class MainLoop {
  readonly #monitor: ByteStream;

  private constructor(monitor: ByteStream) {
    this.#monitor = monitor;
    this.#drop();
  }

  /**
   * Looks whether the guest runs on KVM; nothing if QEMU's main loop wakes by
   * itself.
   *
   * @param monitor A human monitor of that QEMU.
   */
  static async find(
    qmp: QmpClient,
    monitor: ByteStream,
  ): Promise<MainLoop | undefined> {
    try {
      const { enabled } = await qmp.send("query-kvm") as { enabled: boolean };
      return enabled ? new MainLoop(monitor) : undefined;
    } catch (error) {
      // A QEMU for another processor need not know of KVM.
      if (error instanceof QmpError) return;
      throw error;
    }
  }

  /** The stream, whose bytes QEMU takes as soon as they are written. */
  waking(stream: ByteStream): ByteStream {
    return {
      read: (buffer) => stream.read(buffer),
      write: (bytes) => {
        this.#wake();
        return stream.write(bytes);
      },
      close: () => stream.close(),
    };
  }

  #wake(): void {
    this.#monitor.write(NOTHING).catch(() => {});
  }

  /** Reads what the monitor says, so that it never waits for that. */
  async #drop(): Promise<void> {
    const buffer = new Uint8Array(4096);
    try {
      while (await this.#monitor.read(buffer) !== null);
    } catch {
      // QEMU has ended.
    }
  }
}
