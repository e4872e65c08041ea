/**
 * Backends: one folder a hypervisor, behind one small interface.
 *
 * @module
 */
export { accelerator } from "./accelerator.ts";
export type {
  AddedConsole,
  AddedTerminal,
  Backend,
  BackendKind,
  Capabilities,
  DiskFailures,
  DiskLimits,
  Diversion,
  FramePath,
  Guest,
  GuestCard,
  GuestConsoles,
  GuestDisk,
  GuestDisks,
  GuestForwarding,
  GuestInterrupt,
  GuestKey,
  GuestKeyboard,
  GuestListener,
  GuestMemory,
  GuestNetwork,
  GuestProcessors,
  GuestScreen,
  GuestSnapshots,
  GuestTerminalOptions,
  GuestWriteCaches,
  Mirror,
  Obstacle,
  SavedDisk,
  SavedGuest,
  SshPlace,
  StartOptions,
  Tap,
  Taps,
} from "./backend.ts";
export { type BackendName, kinds, startedBy } from "./kinds.ts";
export { makeBackend } from "./make_backend.ts";
export { ownDirectory, unclaimedDirectory } from "./own_directory.ts";
export { seenMachine } from "./qemu/seen_machine.ts";
export { type SocketDirectory, socketDirectory } from "./socket_directory.ts";
export { StartCommand } from "./start_command.ts";
export { Supervisor } from "./supervisor.ts";
