/**
 * Machines, the networks between them, and their end.
 *
 * @module
 */
export { identifier } from "./bindings.ts";
export { type ConditionOptions, PollingCondition } from "./conditions.ts";
export {
  type CreateMachineOptions,
  type Debug,
  Driver,
  type DriverOptions,
  GlobalTimeout,
  type MachineConfiguration,
} from "./driver.ts";
export { retry, type RetryOptions } from "./retry.ts";
export { Vlan } from "./vlan.ts";
