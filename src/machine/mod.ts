/**
 * What a test author holds: a machine with its commands, waits, units, files,
 * screen and keyboard.
 *
 * @module
 */
export type { MachineContext } from "./context.ts";
export {
  BaseMachine,
  type CommandOptions,
  type ExecuteOptions,
  type Machine,
  type MachineOptions,
  type PortOptions,
  type UnitOptions,
  type WaitOptions,
} from "./machine.ts";
export {
  offerSnakeCase,
  type SnakeCase,
  snakeCase,
  type SnakeCased,
} from "./snake_case.ts";
