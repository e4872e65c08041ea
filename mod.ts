/**
 * Tests for whole machines: boots virtual machines, wires them together, and
 * drives them from TypeScript.
 *
 * @example
 * ```ts
 * import { Driver } from "./mod.ts";
 *
 * await using driver = await Driver.create({ machines: ["./run-web-vm"] });
 * const [web] = driver.machines;
 * await web.waitForOpenPort(80);
 * console.log(await web.succeed("curl -sf http://localhost/"));
 * ```
 *
 * @module
 */
export {
  ConditionFailure,
  ExpectedError,
  MachineError,
  TestFailure,
  UsageError,
} from "./src/errors.ts";
export {
  Console,
  type ConsoleOptions,
  type ConsoleWaitOptions,
  deathPatterns,
  type DeathSign,
  GuestDied,
} from "./src/console/mod.ts";
export {
  type BackendOf,
  type ConditionOptions,
  type CreateMachineOptions,
  type Debug,
  Driver,
  type DriverOptions,
  GlobalTimeout,
  identifier,
  type MachineConfiguration,
  type MachineKinds,
  type MachineOf,
  PollingCondition,
  retry,
  type RetryOptions,
  VhostVsock,
  Vlan,
} from "./src/driver/mod.ts";
export {
  BaseMachine,
  type CommandArguments,
  type CommandOptions,
  ContainerMachine,
  efiAttributes,
  type EfiVariable,
  type ExecuteOptions,
  type KeyOptions,
  type Machine,
  offerSnakeCase,
  type PortOptions,
  QemuMachine,
  readScreen,
  type SnakeCase,
  type SnakeCased,
  type UnitOptions,
  type UnixSocketOptions,
  type WaitOptions,
} from "./src/machine/mod.ts";
export * from "./src/report/mod.ts";
export * from "./src/run/mod.ts";
export {
  QmpAnswerTooLarge,
  QmpClient,
  QmpClosed,
  type QmpConnectOptions,
  QmpError,
  type QmpEvent,
  type QmpSendOptions,
} from "./src/qmp/mod.ts";
export {
  type Accelerator,
  accelerator,
  type AcceleratorOptions,
  type BackendName,
} from "./src/backend/mod.ts";
export type { ByteStream } from "./src/stream/mod.ts";
