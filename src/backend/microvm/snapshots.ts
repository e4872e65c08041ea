import { MachineError } from "../../errors.ts";
import { isClosedError } from "../../stream/mod.ts";
import { within } from "../../time/mod.ts";
import type { GuestSnapshots, Obstacle, SavedGuest } from "../backend.ts";
import { untilDrained } from "../drained.ts";
import type { Identity } from "../identity.ts";
import type { MicroVmDisks } from "./disks.ts";
import type { HybridVsock } from "./vsock.ts";

/** Seconds that a guest may take to end the connections that it has. */
const HANG_UP_TIMEOUT = 10;
/** Seconds that a hypervisor may take to save a guest, or to load one. */
export const SAVE_TIMEOUT = 600;

/** What a {@linkcode MicroVmSnapshots} is made of. */
export interface SnapshotParts {
  /** The machine's name. */
  readonly name: string;
  readonly vsock: HybridVsock;
  readonly disks: MicroVmDisks;
  /** Bytes of memory of the guest. */
  readonly memory: number;
  /** The host's interface that one of its cards is on, unless it is the driver's. */
  readonly ownInterface?: string;
  /** What a guest that goes on from it has to have in common with it. */
  readonly identity: () => Identity;
  /** Closes the connections to the guest. */
  readonly hangUp: () => void;
  /** Whether the guest's processors run. */
  readonly isRunning: () => Promise<boolean>;
  readonly pause: () => Promise<void>;
  readonly resume: () => Promise<void>;
  /** Makes the hypervisor save the guest into an empty directory. */
  readonly save: (directory: string) => Promise<void>;
  /**
   * How many reads of its serial port have ended, and whether more is waited for.
   */
  readonly taken: () => { reads: number; isAwaited: boolean };
  /** Whether a balloon holds some of its memory on purpose. */
  readonly isMemoryLimited: () => boolean;
}

/**
 * Saves a guest by its hypervisor's API. The guest has no connection to its
 * virtual socket then: connections to restored guests lead to the listener,
 * which is still there.
 */
export class MicroVmSnapshots implements GuestSnapshots {
  readonly endsConnections = true;
  readonly #parts: SnapshotParts;
  #wasRunning: boolean;

  /**
   * Takes the parts of the machine.
   *
   * @param saved What the guest goes on from, if it does.
   */
  constructor(parts: SnapshotParts, saved?: SavedGuest) {
    this.#parts = parts;
    this.#wasRunning = !saved?.isPaused;
    if (saved !== undefined) parts.vsock.hold();
  }

  /**
   * See {@linkcode GuestSnapshots.obstacles}. For any other obstacle, the
   * hypervisor itself refuses to save the guest.
   */
  obstacles(): Promise<Obstacle[]> {
    return Promise.resolve(
      this.#parts.isMemoryLimited()
        ? [{
          reason:
            "limitMemory() limits the memory of the guest: end that limit first",
        }]
        : [],
    );
  }

  /** See {@linkcode GuestSnapshots.rivalry}. */
  rivalry(): Promise<string | undefined> {
    const { ownInterface } = this.#parts;
    return Promise.resolve(
      ownInterface &&
        `its network card is on the host's interface ${ownInterface}`,
    );
  }

  /** See {@linkcode GuestSnapshots.memory}. */
  memory(): Promise<number> {
    return Promise.resolve(this.#parts.memory);
  }

  /** See {@linkcode GuestSnapshots.pause}. */
  async pause(): Promise<void> {
    const { vsock, hangUp, isRunning, pause } = this.#parts;
    vsock.hold();
    hangUp();
    this.#wasRunning = await isRunning();
    if (!this.#wasRunning) return;
    await within(HANG_UP_TIMEOUT, this.#hungUp());
    await pause();
  }

  /**
   * Waits until the guest knows that all connections have ended. A guest that
   * went on with a connection which its hypervisor does not know would take a
   * new connection of the same number for the old one.
   */
  async #hungUp(): Promise<void> {
    const signal = AbortSignal.timeout(HANG_UP_TIMEOUT * 1000);
    try {
      // This is made after the others have ended, and the guest's end of it is
      // closed first.
      const last = await this.#parts.vsock.dial(signal, { isHeld: false });
      try {
        await last.write(new TextEncoder().encode("exit\n"));
        const buffer = new Uint8Array(64);
        while (await last.read(buffer) !== null);
      } finally {
        last.close();
      }
    } catch (error) {
      if (!isClosedError(error) && !signal.aborted) throw error;
    }
  }

  /** See {@linkcode GuestSnapshots.drained}. */
  async drained(): Promise<void> {
    const { name, taken, isRunning } = this.#parts;
    await untilDrained({ name, ask: isRunning, taken });
  }

  /** See {@linkcode GuestSnapshots.save}. */
  async save(directory: string): Promise<SavedGuest> {
    const { name, disks, identity, save } = this.#parts;
    const state = `${directory}/state`;
    Deno.mkdirSync(state, { mode: 0o700 });
    try {
      await save(state);
      return {
        state,
        disks: await disks.freeze(directory),
        identity: identity(),
        isPaused: !this.#wasRunning,
      };
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
      throw new MachineError(`${name} can't be saved: ${error.message}`, {
        cause: error,
      });
    }
  }

  /** See {@linkcode GuestSnapshots.layOut}: the saved state needs no change. */
  layOut(saved: SavedGuest): Promise<SavedGuest> {
    return Promise.resolve(saved);
  }

  /** See {@linkcode GuestSnapshots.go}. */
  async go(): Promise<void> {
    if (this.#wasRunning) await this.#parts.resume();
    this.#parts.vsock.release();
  }
}
