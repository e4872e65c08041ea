/**
 * The machines of a run, the networks between them, and their end.
 *
 * @module
 */
export type { PollingCondition } from "./conditions.ts";
export {
  type CaptureMode,
  type Debug,
  Driver,
  type DriverOptions,
  GlobalTimeout,
  type SubtestOptions,
} from "./driver.ts";
export { Fork, Snapshot, type SnapshotOptions } from "./snapshot.ts";
export type { MachineConfiguration } from "./configuration.ts";
export { type MachineName, nameOf } from "./machine_name.ts";
export type { BackendOf, MachineOf } from "./kinds.ts";
export { identifier } from "./identifier.ts";
export { retry, type RetryOptions } from "./retry.ts";
export type { Vlan } from "./vlan.ts";
