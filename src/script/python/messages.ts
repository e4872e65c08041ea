import type { Attributes, LogLevel, StepRole } from "../../report/mod.ts";
import type { BaseMachine, QemuMachine } from "../../machine/mod.ts";
import type { ExceptionReport } from "./errors.ts";
import type { Door } from "./doors.ts";

/** The methods of machines that Python calls by name. */
export const METHODS = [
  "block",
  "connect",
  "consoleInteract",
  "copyFromHost",
  "copyFromHostViaShell",
  "copyFromMachine",
  "crash",
  "disconnect",
  "dumpTtyContents",
  "execute",
  "fail",
  "forwardPort",
  "getConsoleLog",
  "getScreenText",
  "getScreenTextVariants",
  "getTtyText",
  "getUnitInfo",
  "getUnitProperty",
  "getWindowNames",
  "isUp",
  "reboot",
  "release",
  "requireUnitState",
  "screenshot",
  "sendChars",
  "sendConsole",
  "sendKey",
  "sendMonitorCommand",
  "shellInteract",
  "shutdown",
  "sleep",
  "sshBackdoorCommand",
  "start",
  "startJob",
  "stopJob",
  "succeed",
  "switchRoot",
  "systemctl",
  "unblock",
  "waitForClosedPort",
  "waitForConsoleText",
  "waitForFile",
  "waitForOpenPort",
  "waitForOpenUnixSocket",
  "waitForShutdown",
  "waitForText",
  "waitForUnit",
  "waitForWindow",
  "waitForX",
  "waitUntilFails",
  "waitUntilSucceeds",
  "waitUntilTtyMatches",
] as const satisfies readonly (keyof QemuMachine)[];

/** The facts of machines that may be different each time. */
export const FACTS = [
  "booted",
  "connected",
  "pid",
] as const satisfies readonly (
  keyof BaseMachine
)[];

/** An EFI variable as Python has it. */
export interface EfiVariableOfPython {
  /** Whose variable it is. */
  guid: string;
  /** Its name. */
  name: string;
  /** Its value, in hexadecimal digits. */
  data: string;
  /** Its attributes. */
  attributes: number;
  /** When it was written, in hexadecimal digits of an `EFI_TIME`. */
  timestamp: string;
}

/** What Python asks a machine for. */
type MachineRequest =
  & { machine: string }
  & (
    | { do: "call"; method: typeof METHODS[number]; args: unknown[] }
    | { do: "get"; fact: typeof FACTS[number] }
    | { do: "setStateDir"; path: string }
    | { do: "setStartCommand"; command: string }
    | { do: "exitStatus"; pid: number }
    | { do: "efiVarsPath" | "efiCreate" | "efiRead" | "efiDump" }
    | { do: "efiWrite"; variables: EfiVariableOfPython[] }
    | { do: "door"; door: Door }
    | { do: "consoleLine"; text: string }
    | { do: "consoleLineNext"; timeout: number | null; keep: boolean }
    | { do: "qmpReady" }
    | { do: "qmpSend"; command: string; args: Record<string, unknown> }
    | { do: "qmpNext"; timeout: number | null }
  );

/** What Python asks a condition of its own for. */
export type ConditionRequest =
  & { condition: number; interval: number; description: string }
  & (
    | { do: "conditionEnter" | "conditionExit" }
    | { do: "conditionWait"; timeout: number }
  );

/** What Python asks the driver and its log for. */
type DriverRequest =
  | {
    do: "log";
    level: LogLevel | null;
    text: string;
    attributes: Attributes;
  }
  | {
    do: "begin";
    text: string;
    attributes: Attributes;
    role: StepRole | null;
  }
  | { do: "beginSubtest"; name: string }
  | { do: "end"; ended: number; error: ExceptionReport | null }
  | { do: "serialStdout"; on: boolean }
  | { do: "logLevel"; level: LogLevel }
  | { do: "startAll" | "joinAll" }
  | {
    do: "createMachine";
    startCommand: string;
    name: string | null;
    keepState: boolean;
  }
  | { do: "stopVlan"; nr: number }
  | { do: "readScreen"; path: string; variants: boolean };

/** What the bridge does for Python. */
export type BridgeRequest = MachineRequest | ConditionRequest | DriverRequest;

/** How Python tells what a script has failed of. */
export interface Failure {
  /** The exception. */
  error: ExceptionReport;
  /** The traceback of the script's own frames. */
  traceback: string;
}

/** Where a script has stopped, and how it wants to be reached. */
export interface Stop {
  /** The script's file. */
  file: string;
  /** The line, from 1 up. */
  line: number;
  /** The address to be reached at in a build sandbox. */
  host: string;
  /** Its port. */
  port: number;
}

/** What Python asks for, and waits for the answer to. */
export type Request =
  & {
    /** The number of the request, which the answer bears too. */
    id: number;
    /** The step of the log that it is a part of. */
    step: number | null;
    /** The line of the script that asks, from 1 up, where steps may begin. */
    line?: number | null;
    /** The task of a condition's check that it is a part of. */
    check?: number;
    /** Variables that the script has set, or unset, since the last request. */
    environment?: Record<string, string | null>;
  }
  & (
    | BridgeRequest
    | { do: "session"; version: number[] }
    | { do: "input"; prompt: string }
    | { do: "breakpoint" } & Stop
    | { do: "failed"; failure: Failure } & Stop
  );

/** How a task went that Python was given. */
export type Done =
  & { done: number }
  & (
    | { value?: unknown; error?: undefined; exit?: undefined; gone?: undefined }
    | { error: ExceptionReport; exit?: undefined; gone?: undefined }
    | { exit: number; error?: undefined; gone?: undefined }
    | { gone: true; error?: undefined; exit?: undefined }
  );

/** What comes from Python. */
export type Received = Request | Done;

/** What goes to Python: an answer to a request, or a task. */
export type Sent =
  | { id: number; value: unknown }
  | { id: number; error: Record<string, unknown> }
  | {
    /** The request whose thread is to do it; a new thread where there is none. */
    id: number | null;
    /** The number of the task. */
    task: number;
    /** What to do. */
    do: string;
    /** With what. */
    args: unknown[];
    /** Whether it is a condition's check. */
    check: boolean;
  };
