/**
 * Machines, the networks between them, and their end.
 *
 * @module
 */
export { type ConditionOptions, PollingCondition } from "./conditions.ts";
export {
  type CreateMachineOptions,
  type Debug,
  Driver,
  type DriverOptions,
  GlobalTimeout,
  type MachineConfiguration,
} from "./driver.ts";
export { identifier } from "./identifier.ts";
export { retry, type RetryOptions } from "./retry.ts";
export { VhostVsock } from "./vhost_vsock.ts";
export { Vlan } from "./vlan.ts";
