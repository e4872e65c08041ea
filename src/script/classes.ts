import {
  BaseMachine,
  CloudHypervisorMachine,
  ContainerMachine,
  MicroVmMachine,
  QemuMachine,
} from "../machine/mod.ts";

/**
 * The classes that every script sees, for tests such as `x instanceof Machine`.
 */
export const classes: Record<string, unknown> = {
  BaseMachine,
  Machine: BaseMachine,
  QemuMachine,
  ContainerMachine,
  MicroVmMachine,
  CloudHypervisorMachine,
};
