import type { MachineCore } from "./core.ts";
import { BaseMachine, type Machine } from "./machine.ts";

/** Makes a {@linkcode ContainerMachine}; only a driver does. */
export let makeContainerMachine: (
  core: MachineCore,
) => Machine<ContainerMachine>;

/** A container that systemd-nspawn runs: it has no hardware of its own. */
export class ContainerMachine extends BaseMachine {
  readonly #core: MachineCore;

  static {
    // The prototype of all machines has the names in snake_case.
    makeContainerMachine = (core) =>
      new ContainerMachine(core) as Machine<ContainerMachine>;
  }

  private constructor(core: MachineCore) {
    super(core);
    this.#core = core;
  }

  /** The machine's hypervisor. */
  override get backend(): "nspawn" {
    return "nspawn";
  }

  /**
   * Powers the container off, and starts it again.
   *
   * @throws {MachineError} if it does not come up again.
   */
  override async reboot(): Promise<void> {
    await this.#core.ready();
    await this.#core.running().shell.send("reboot");
    await this.waitForShutdown();
    await this.start();
  }
}
