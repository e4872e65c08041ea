/**
 * The machines of a run, the networks between them, and their end.
 *
 * @module
 */
export type { PollingCondition } from "./conditions.ts";
export type { Debug } from "./debug.ts";
export { Driver, type DriverOptions, subtestsOf } from "./driver.ts";
export { GlobalTimeout } from "./global_timeout.ts";
export type { CaptureMode } from "./run_networks.ts";
export type { SubtestOptions } from "./subtests.ts";
export { Fork, Snapshot, type SnapshotOptions } from "./snapshot.ts";
export type { MachineConfiguration } from "./configuration.ts";
export { type MachineName, nameOf } from "./machine_name.ts";
export type { BackendOf, MachineOf } from "./kinds.ts";
export { identifier } from "./identifier.ts";
export { retry, type RetryOptions } from "./retry.ts";
export type { Vlan } from "./vlan.ts";
