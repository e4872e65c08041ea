/**
 * Backends: one folder a hypervisor, behind one small interface.
 *
 * @module
 */
export {
  type Accelerator,
  accelerator,
  type AcceleratorOptions,
} from "./accelerator.ts";
export type {
  AddedConsole,
  Backend,
  Guest,
  GuestListener,
  StartOptions,
} from "./backend.ts";
export { ownDirectory, unclaimedDirectory } from "./own_directory.ts";
export { type SocketDirectory, socketDirectory } from "./socket_directory.ts";
export { NspawnBackend } from "./nspawn/nspawn.ts";
export { QemuBackend } from "./qemu/qemu.ts";
export { shellQuote, StartCommand } from "./start_command.ts";
export { Supervisor } from "./supervisor.ts";
