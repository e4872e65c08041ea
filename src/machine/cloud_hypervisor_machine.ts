import type { MachineCore } from "./core.ts";
import type { Machine } from "./machine.ts";
import { MicroVmMachine } from "./micro_vm_machine.ts";

/** Makes a {@linkcode CloudHypervisorMachine}; only a driver does. */
export let makeCloudHypervisorMachine: (
  core: MachineCore,
) => Machine<CloudHypervisorMachine>;

/** A virtual machine that Cloud Hypervisor runs. */
export class CloudHypervisorMachine extends MicroVmMachine<"cloud-hypervisor"> {
  readonly #core: MachineCore;

  static {
    // The prototype of all machines has the names in snake_case.
    makeCloudHypervisorMachine = (core) =>
      new CloudHypervisorMachine(core) as Machine<CloudHypervisorMachine>;
  }

  private constructor(core: MachineCore) {
    super(core, "cloud-hypervisor");
    this.#core = core;
  }

  /**
   * Sends the guest a non-maskable interrupt, as the NMI button of a server
   * does: a kernel with `unknown_nmi_panic` panics.
   *
   * @throws {MachineError} if the machine is not running.
   */
  async nmi(): Promise<void> {
    const interrupt = this.#core.capability("interrupt", "nmi()");
    await this.#core.guarded(() => interrupt.press());
  }
}
