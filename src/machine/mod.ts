/**
 * What a test author holds: a machine with its commands, waits, units, files,
 * screen and keyboard.
 *
 * @module
 */
export type { ExecuteOptions } from "./commands/commands.ts";
export type { MachineContext } from "./context.ts";
export { SPECIAL, type Special } from "./capabilities.ts";
export {
  CloudHypervisorMachine,
  makeCloudHypervisorMachine,
} from "./cloud_hypervisor_machine.ts";
export { ContainerMachine, makeContainerMachine } from "./container_machine.ts";
export { MachineCore, type MachineOptions } from "./core.ts";
export { efiAttributes, type EfiVariable } from "./efi_store.ts";
export { type Evidence, type EvidenceOptions, gather } from "./evidence.ts";
export type { Disk } from "./disk.ts";
export { type Fault, Faults } from "./faults.ts";
export type { Capture } from "./links/capture.ts";
export { CaptureFile } from "./links/capture.ts";
export { barLink, introduceLink, Link } from "./links/link.ts";
export {
  addressText,
  neighboursOf,
  type Network,
  senderOf,
} from "./links/neighbours.ts";
export type { LinkSettings } from "./links/settings.ts";
export { type FairTime, fairTime } from "./fair_time.ts";
export { lastLooks } from "./last_look.ts";
export { BaseMachine, coreOf, gives, type Machine } from "./machine.ts";
export { makeMicroVmMachine, MicroVmMachine } from "./micro_vm_machine.ts";
export { makeQemuMachine, QemuMachine } from "./qemu_machine.ts";
export { offerSnakeCase, snakeCase, type SnakeCased } from "./snake_case.ts";
export { renew, renewAhead, type RenewalOptions } from "./snapshots/renewal.ts";
export type { SavedMachine } from "./snapshots/saved_machine.ts";
export { MachineSaver } from "./snapshots/saver.ts";
export type { WaitOptions } from "./waits/timeout.ts";
export { readScreen } from "./hands/screen.ts";
