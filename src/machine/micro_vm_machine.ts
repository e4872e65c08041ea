import type { BackendName, GuestProcessors } from "../backend/mod.ts";
import { isHypervisorGone, MachineError } from "../errors.ts";
import type { MachineCore } from "./core.ts";
import type { Fault } from "./faults.ts";
import { BaseMachine, type Machine } from "./machine.ts";

/** Makes a {@linkcode MicroVmMachine}; only a driver does. */
export let makeMicroVmMachine: <Name extends BackendName>(
  core: MachineCore,
  backend: Name,
) => Machine<MicroVmMachine<Name>>;

/**
 * A virtual machine of a small hypervisor, such as Firecracker. Beside the
 * methods of every machine, it can be paused. It has no screen and no keyboard.
 */
export class MicroVmMachine<Name extends BackendName = BackendName>
  extends BaseMachine {
  readonly #core: MachineCore;
  readonly #backend: Name;
  readonly #pauses = new Set<Fault>();

  static {
    // The prototype of all machines has the names in snake_case.
    makeMicroVmMachine = <Name extends BackendName>(
      core: MachineCore,
      backend: Name,
    ) => new MicroVmMachine(core, backend) as Machine<MicroVmMachine<Name>>;
  }

  private constructor(core: MachineCore, backend: Name) {
    super(core);
    this.#core = core;
    this.#backend = backend;
  }

  /** The machine's hypervisor. */
  override get backend(): Name {
    return this.#backend;
  }

  /**
   * Reboots the guest. The next command waits for the new boot.
   *
   * @throws {MachineError} if its hypervisor can't: Firecracker ends at a
   * reset. `shutdown()` and `start()` do what a reboot does there.
   * @throws {UsageError} if the machine was started without `allowReboot`.
   */
  override async reboot(): Promise<void> {
    const { reboots, hypervisor } = this.#core.context.backend.kind;
    if (!reboots) {
      throw new MachineError(
        `reboot() takes a hypervisor that outlives a reset, which ` +
          `${hypervisor} does not; shutdown() and start() begin ` +
          `${this.name} anew`,
      );
    }
    this.#core.requireReboot();
    await this.#core.ready();
    await this.#core.running().shell.send("reboot");
    this.#core.lose(`${this.name} reboots`);
  }

  /**
   * Pauses the guest and its clock, until {@linkcode resume}. Actions on it
   * wait meanwhile.
   *
   * @returns The fault, which resumes the guest when it ends.
   * @throws {MachineError} if the machine is not running.
   */
  async pause(): Promise<Fault> {
    const processors = this.#core.capability("processors", "pause()");
    await this.#core.guarded(() => processors.pause());
    const fault = this.#core.faults.begin({
      text: "paused",
      machine: this.name,
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
   * Resumes a paused guest.
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
