import type { Attributes, LogLevel, RunEvents } from "../../report/mod.ts";
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
  "fillDisk",
  "forwardPort",
  "getConsoleLog",
  "getScreenText",
  "getScreenTextVariants",
  "getTtyText",
  "getUnitInfo",
  "getUnitProperty",
  "getWindowNames",
  "isUp",
  "limitCpu",
  "limitMemory",
  "nmi",
  "pause",
  "powerLoss",
  "reboot",
  "release",
  "requireUnitState",
  "resume",
  "screenshot",
  "sendChars",
  "sendConsole",
  "sendKey",
  "sendMonitorCommand",
  "setClock",
  "shellInteract",
  "shutdown",
  "skew",
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

/** An EFI variable as Python sends it. */
export interface EfiVariableOfPython {
  /** The owner's GUID. */
  guid: string;
  /** Its name. */
  name: string;
  /** Its value, in hexadecimal digits. */
  data: string;
  /** Its attributes. */
  attributes: number;
  /** The time of the last write, in hexadecimal digits of an `EFI_TIME`. */
  timestamp: string;
}

/** The requests to a machine. */
export type MachineRequest =
  & { machine: string; fork?: number }
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
    | {
      do: "link";
      vlan: number;
      act: "set" | "down" | "up" | "counters" | "capture";
      options: Record<string, unknown>;
    }
    | {
      do: "disk";
      disk: string | null;
      act: "throttle" | "fail" | "detach" | "cacheWrites";
      options: Record<string, unknown>;
    }
    | { do: "qmpReady" }
    | { do: "qmpSend"; command: string; args: Record<string, unknown> }
    | { do: "qmpNext"; timeout: number | null }
  );

/** The requests to a condition. */
export type ConditionRequest =
  & { condition: number; interval: number; description: string }
  & (
    | { do: "conditionEnter" | "conditionExit" }
    | { do: "conditionWait"; timeout: number }
  );

/** The requests to the driver and its log. */
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
    role: NonNullable<RunEvents["stepBegan"]["role"]> | null;
  }
  | { do: "beginSubtest"; name: string }
  | {
    do: "end";
    ended: number;
    error: ExceptionReport | null;
    /** Of a subtest that failed: whether the script goes on, and its traceback. */
    subtest?: { name: string; keepGoing: boolean | null; traceback: string };
  }
  | { do: "serialStdout"; on: boolean }
  | { do: "logLevel"; level: LogLevel }
  | { do: "startAll" | "joinAll" }
  | {
    do: "snapshot";
    name: string | null;
    machines: string[] | null;
    keep: boolean;
    /** Whether to answer `null` where none is kept. */
    isKept: boolean;
  }
  | {
    do: "restoreSnapshot";
    snapshot: number;
    keepClock: boolean;
    ownMemory: boolean;
  }
  | {
    do: "fork";
    snapshot: number;
    keepClock: boolean;
    ownMemory: boolean;
    wait: boolean;
  }
  | { do: "endSnapshot"; snapshot: number }
  | {
    do: "endFork";
    ended: number;
    /** What ended the subtest on the fork, unless that came to its end. */
    error: ExceptionReport | null;
  }
  | {
    do: "createMachine";
    startCommand: string;
    name: string | null;
    keepState: boolean;
    fastForward: boolean;
  }
  | { do: "stopVlan" | "healVlan"; nr: number }
  | { do: "captureVlan"; nr: number; name: string | null }
  | { do: "partition"; nr: number; groups: string[][]; oneWay: boolean }
  | { do: "healFault" | "isFaultOver"; fault: number }
  | { do: "readScreen"; path: string; variants: boolean };

/** All requests to the bridge. */
export type BridgeRequest = MachineRequest | ConditionRequest | DriverRequest;

/** The failure of a script, as Python sends it. */
export interface Failure {
  /** The exception. */
  error: ExceptionReport;
  /** The traceback of the script's own frames. */
  traceback: string;
}

/** The place at which a script has stopped, and the address that it wants. */
export interface Stop {
  /** The script's file. */
  file: string;
  /** The line, from 1 up. */
  line: number;
  /** The address in a build sandbox. */
  host: string;
  /** Its port. */
  port: number;
}

/** A request of Python, which waits for the answer. */
export type Request =
  & {
    /** The number of the request and of its answer. */
    id: number;
    /** The step of the log that it belongs to. */
    step: number | null;
    /** The line of the script that asks, from 1 up, where steps may begin. */
    line?: number | null;
    /** The task of a condition's check that it belongs to. */
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

/** The result of a task of Python. */
export type Done =
  & { done: number }
  & (
    | { value?: unknown; error?: undefined; exit?: undefined; gone?: undefined }
    | { error: ExceptionReport; exit?: undefined; gone?: undefined }
    | { exit: number; error?: undefined; gone?: undefined }
    | { gone: true; error?: undefined; exit?: undefined }
  );

/** A message from Python. */
export type Received = Request | Done;

/** A message to Python: an answer to a request, or a task. */
export type Sent =
  | { id: number; value: unknown }
  | { id: number; error: Record<string, unknown> }
  | {
    /**
     * The request whose thread runs the task; a new thread if there is none.
     */
    id: number | null;
    /** The number of the task. */
    task: number;
    /** The task. */
    do: string;
    /** Its arguments. */
    args: unknown[];
    /** Whether it is a condition's check. */
    check: boolean;
  };
