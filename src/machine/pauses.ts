import type { GuestProcessors } from "../backend/mod.ts";
import { isHypervisorGone } from "../errors.ts";
import type { MachineCore } from "./core.ts";
import type { Fault } from "./faults.ts";

/** The pauses of a guest that have not ended. */
export class Pauses {
  readonly #core: MachineCore;
  readonly #pauses = new Set<Fault>();

  /** Takes the guest's machine. */
  constructor(core: MachineCore) {
    this.#core = core;
  }

  /**
   * Pauses the guest.
   *
   * @returns The fault, which resumes the guest when it ends.
   * @throws {MachineError} if the machine is not running.
   */
  async pause(): Promise<Fault> {
    const processors = this.#core.capability("processors", "pause()");
    await this.#core.guarded(() => processors.pause());
    const fault = this.#core.faults.begin({
      text: "paused",
      machine: this.#core.label,
      kind: "pause",
      undo: () => {
        this.#pauses.delete(fault);
        return resumed(processors);
      },
    });
    this.#pauses.add(fault);
    return fault;
  }

  /**
   * Resumes the guest, and ends its pauses.
   *
   * @throws {MachineError} if the machine is not running.
   */
  async resume(): Promise<void> {
    const processors = this.#core.capability("processors", "resume()");
    for (const fault of [...this.#pauses]) await fault.heal();
    await this.#core.guarded(() => processors.resume());
  }
}

/** Resumes a guest, unless it has ended. */
async function resumed(processors: GuestProcessors): Promise<void> {
  try {
    await processors.resume();
  } catch (error) {
    if (!isHypervisorGone(error)) throw error;
  }
}
