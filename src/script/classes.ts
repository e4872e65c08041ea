import { BaseMachine, ContainerMachine, QemuMachine } from "../machine/mod.ts";

/** The classes that every script sees: `x instanceof Machine` asks what x is. */
export const classes: Record<string, unknown> = {
  BaseMachine,
  Machine: BaseMachine,
  QemuMachine,
  ContainerMachine,
};
