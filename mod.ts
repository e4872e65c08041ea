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
  SubtestFailures,
  TestFailure,
  UsageError,
} from "./src/errors.ts";
export { deathPatterns, GuestDied } from "./src/console/mod.ts";
export {
  type BackendOf,
  type ConditionOptions,
  type CreateMachineOptions,
  type Debug,
  Driver,
  type DriverOptions,
  type FailedSubtest,
  type Fork,
  type ForkedSubtestOptions,
  type ForkOptions,
  GlobalTimeout,
  type MachineConfiguration,
  type MachineOf,
  type PollingCondition,
  retry,
  type RetryOptions,
  type Snapshot,
  type SnapshotOptions,
  type SubtestOptions,
  type Vlan,
} from "./src/driver/mod.ts";
export {
  BaseMachine,
  type Capture,
  type CommandArguments,
  ContainerMachine,
  type Disk,
  efiAttributes,
  type EfiVariable,
  type ExecuteOptions,
  type Fault,
  type KeyOptions,
  type LaneCounters,
  type Link,
  type LinkSettings,
  type Machine,
  type Network,
  type PortOptions,
  QemuMachine,
  type SnakeCase,
  type SnakeCased,
  type UnitOptions,
  type WaitOptions,
} from "./src/machine/mod.ts";
export {
  type Attributes,
  type ConsoleDisplay,
  type ErrorReport,
  EventFileListener,
  HtmlListener,
  JunitListener,
  type Listener,
  Log,
  type LogLevel,
  type Position,
  type RunEvent,
  type RunEvents,
  type Step,
  TerminalListener,
  type TerminalOptions,
  type Verdict,
  XmlListener,
} from "./src/report/mod.ts";
export * from "./src/run/mod.ts";
export {
  QmpAnswerTooLarge,
  type QmpClient,
  QmpClosed,
  QmpError,
  type QmpEvent,
} from "./src/qmp/mod.ts";
export { accelerator, type BackendName } from "./src/backend/mod.ts";
