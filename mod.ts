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
  type Debug,
  Driver,
  type DriverOptions,
  type Fork,
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
  CloudHypervisorMachine,
  ContainerMachine,
  type Disk,
  efiAttributes,
  type EfiVariable,
  type ExecuteOptions,
  type Fault,
  type Link,
  type LinkSettings,
  type Machine,
  MicroVmMachine,
  QemuMachine,
  type SnakeCased,
  type WaitOptions,
} from "./src/machine/mod.ts";
export {
  type Attributes,
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
export { runTest, type TestOptions, type TestResult } from "./src/run/mod.ts";
export {
  runSuite,
  type Suite,
  type SuiteOptions,
  type SuiteTest,
} from "./src/suite/mod.ts";
export {
  type QmpClient,
  QmpClosed,
  QmpError,
  type QmpEvent,
} from "./src/qmp/mod.ts";
export { accelerator, type BackendName } from "./src/backend/mod.ts";
