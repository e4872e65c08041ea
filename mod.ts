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
export { MachineError, TestFailure, UsageError } from "./src/errors.ts";
export * from "./src/console/mod.ts";
export * from "./src/driver/mod.ts";
export * from "./src/machine/mod.ts";
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
export type {
  AddedConsole,
  Backend,
  Guest,
  GuestListener,
  StartCommand,
  StartOptions,
} from "./src/backend/mod.ts";
export {
  type Accelerator,
  accelerator,
  type AcceleratorOptions,
} from "./src/backend/mod.ts";
export type { ShellPort } from "./src/shell/mod.ts";
export type { ByteStream } from "./src/stream/mod.ts";
