/**
 * What a test author holds: a machine with its commands, waits, units, files,
 * screen and keyboard.
 *
 * @module
 */
export type {
  CommandArguments,
  CommandOptions,
  ExecuteOptions,
} from "./commands.ts";
export type { MachineContext } from "./context.ts";
export type { Special } from "./capabilities.ts";
export { ContainerMachine, makeContainerMachine } from "./container_machine.ts";
export { MachineCore } from "./core.ts";
export { efiAttributes, type EfiVariable } from "./efi_store.ts";
export type { KeyOptions } from "./keyboard.ts";
export { BaseMachine, type Machine } from "./machine.ts";
export { makeQemuMachine, QemuMachine } from "./qemu_machine.ts";
export type { PortOptions } from "./ports.ts";
export {
  offerSnakeCase,
  type SnakeCase,
  snakeCase,
  type SnakeCased,
} from "./snake_case.ts";
export type { WaitOptions } from "./timeout.ts";
export type { UnitOptions } from "./units.ts";
export { readScreen } from "./screen.ts";
export type { UnixSocketOptions } from "./unix_sockets.ts";
