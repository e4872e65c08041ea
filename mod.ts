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
  type ConsoleOptions,
  type ConsoleWaitOptions,
  deathPatterns,
  type DeathSign,
  GuestDied,
  SerialConsole,
} from "./src/console/mod.ts";
export {
  type BackendOf,
  type ConditionOptions,
  type CreateMachineOptions,
  type Debug,
  Driver,
  type DriverOptions,
  GlobalTimeout,
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
  type PortOptions,
  QemuMachine,
  readScreen,
  type SnakeCase,
  type SnakeCased,
  type UnitOptions,
  type UnixSocketOptions,
  type WaitOptions,
} from "./src/machine/mod.ts";
export {
  type Attributes,
  type ConsoleDisplay,
  type ConsoleLine,
  type ConsoleOpened,
  type ErrorReport,
  type EventBase,
  type FileCopied,
  type ForkBegan,
  type ForkedMachine,
  type ForkEnded,
  HtmlListener,
  JunitListener,
  type Listener,
  Log,
  type LogLevel,
  type LogLevelSet,
  type LogOptions,
  type Message,
  type Position,
  type RunBegan,
  type RunEnded,
  type RunEvent,
  type Screenshot,
  type SerialStdout,
  type SnapshotRestored,
  type SnapshotTaken,
  type Step,
  type StepBegan,
  type StepEnded,
  type StepRole,
  type SubtestBegan,
  type SubtestEnded,
  TerminalListener,
  type TerminalOptions,
  type Verdict,
  XmlListener,
  type XmlOptions,
} from "./src/report/mod.ts";
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
