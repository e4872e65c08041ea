import type { BackendName } from "../backend/mod.ts";
import {
  type CloudHypervisorMachine,
  type ContainerMachine,
  gives,
  type Machine,
  type MachineCore,
  makeCloudHypervisorMachine,
  makeContainerMachine,
  makeMicroVmMachine,
  makeQemuMachine,
  type MicroVmMachine,
  type QemuMachine,
} from "../machine/mod.ts";
import type { MachineConfiguration } from "./configuration.ts";

/** The type of a backend's machines; of any machine, if no backend is given. */
export type MachineOf<Name extends BackendName = BackendName> = {
  qemu: Machine<QemuMachine>;
  nspawn: Machine<ContainerMachine>;
  firecracker: Machine<MicroVmMachine<"firecracker">>;
  "cloud-hypervisor": Machine<CloudHypervisorMachine>;
}[Name];

/** A machine whose hypervisor controls its network cards. */
export type LinkedMachine = Pick<MachineOf<"qemu">, "name" | "link">;

/** The machines among these that are {@linkcode LinkedMachine}s. */
export function linkedAmong(machines: readonly MachineOf[]): LinkedMachine[] {
  return machines.filter((machine): machine is LinkedMachine & MachineOf =>
    gives(machine, "network")
  );
}

/** Makes the machine of each backend. */
export const makers: {
  [Name in BackendName]: (core: MachineCore) => MachineOf<Name>;
} = {
  qemu: makeQemuMachine,
  nspawn: makeContainerMachine,
  firecracker: (core) => makeMicroVmMachine(core, "firecracker"),
  "cloud-hypervisor": makeCloudHypervisorMachine,
};

/**
 * The backend of a machine, as a type. If the type of a start script is only
 * `string`, it is QEMU.
 */
export type BackendOf<Given extends string | MachineConfiguration> =
  Given extends `${string}-nspawn` ? "nspawn"
    : Given extends `${string}-firecracker.json` ? "firecracker"
    : Given extends `${string}-cloud-hypervisor.json` ? "cloud-hypervisor"
    : Given extends string ? "qemu"
    : Given extends MachineConfiguration
      ? "backend" extends keyof Given
        ? Given["backend"] extends BackendName ? Given["backend"]
        :
          | Exclude<Given["backend"], undefined>
          | BackendOf<Given["startCommand"]>
      : BackendOf<Given["startCommand"]>
    : never;
