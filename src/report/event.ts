import type { Position } from "./positions.ts";
import { shortened } from "./shortened.ts";

/** How much a message matters, least first. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** How a run ended. */
export type Verdict = "passed" | "failed" | "timeout" | "interrupted";

/**
 * What a message or a step is about. `machine` names the machine; all else is
 * passed on to those listeners that keep attributes (the XML log).
 */
export interface Attributes {
  /** Name of the machine. */
  machine?: string;
  /** Any other attribute. */
  [name: string]: string | undefined;
}

/** An error as listeners get it: plain data, whatever was thrown. */
export interface ErrorReport {
  /** The error's name, `"TestFailure"` for example. */
  readonly name: string;
  /** The error's message. */
  readonly message: string;
  /** Where it was thrown, if known. */
  readonly stack?: string;
}

/** The properties of each type of event, beside those of all types. */
export interface RunEvents {
  /** The run begins. The first event that a listener gets, however late it is added. */
  runBegan: {
    /** When, in milliseconds since 1970. */
    readonly date: number;
    /** What runs: the path of the test script, if it has one. */
    readonly name?: string;
    /** Where it runs, by what, and how it was asked for. */
    readonly about?: {
      /** The versions of programs by their names: `vmwright`, `deno`. */
      readonly versions: Readonly<Record<string, string>>;
      /** The host's name, as far as it may be known. */
      readonly host?: string;
      /** The host's operating system and processor, `"linux x86_64"` for example. */
      readonly system: string;
      /** How many processors the host has. */
      readonly processors: number;
      /** The host's memory in bytes. */
      readonly memory?: number;
      /** The program and the words after it. */
      readonly commandLine: readonly string[];
      /** The working directory. */
      readonly directory: string;
    };
  };
  /** The run is over. */
  runEnded: {
    /** How the run ended. */
    readonly verdict: Verdict;
    /** What ended it, unless it passed. */
    readonly error?: ErrorReport;
    /**
     * What to show a person instead of the error's message, such as the
     * script's own lines.
     */
    readonly detail?: string;
    /** Where in the author's files it ended, if known. */
    readonly position?: Position;
    /** The subtests that failed, where the test went on after them. */
    readonly failures?: readonly {
      /** The subtest's name. */
      readonly name: string;
      /** Its error. */
      readonly error: ErrorReport;
      /** What to show a person instead of the error's message. */
      readonly detail: string;
      /** Where in the author's files it failed, if known. */
      readonly position?: Position;
    }[];
  };
  /** A line of text from the driver or from the test's author. */
  message: {
    /** Absent for `log.log`, which no level hides. */
    readonly level?: LogLevel;
    /** The text. */
    readonly text: string;
    /** What it is about. */
    readonly attributes: Attributes;
  };
  /** A step begins; `step` is the id of the step around it. */
  stepBegan: {
    /** Unique within the run. */
    readonly id: number;
    /** What the step does. */
    readonly text: string;
    /** What it is about. */
    readonly attributes: Attributes;
    /**
     * What a step of the driver's own is: the whole `script`; a `boot`, which a
     * script may leave unfinished; a `wait` for something in a machine.
     */
    readonly role?: "script" | "boot" | "wait";
  };
  /** A step is over. */
  stepEnded: {
    /** Unique within the run. */
    readonly id: number;
    /** What the step does. */
    readonly text: string;
    /** What it is about. */
    readonly attributes: Attributes;
    /** In seconds. */
    readonly duration: number;
    /** Why it failed, if it did. */
    readonly error?: ErrorReport;
  };
  /** A subtest begins. Its id is also that of a step: events inside have it. */
  subtestBegan: {
    /** Unique within the run. */
    readonly id: number;
    /** The subtest's name. */
    readonly name: string;
    /** Where in the author's files it begins, if known. */
    readonly position?: Position;
  };
  /** A subtest is over. */
  subtestEnded: {
    /** Unique within the run. */
    readonly id: number;
    /** The subtest's name. */
    readonly name: string;
    /** In seconds. */
    readonly duration: number;
    /** Why it failed, if it did. */
    readonly error?: ErrorReport;
  };
  /**
   * Where in the author's files a step begins. It follows the step's beginning, as
   * it takes a moment to find out.
   */
  stepPlaced: {
    /** The step's id. */
    readonly id: number;
    /** The place. */
    readonly position: Position;
  };
  /** The text of a file of the author's. It comes before the first place in it. */
  sourceFile: {
    /** The file's address, as places name it. */
    readonly url: string;
    /** What to call it. */
    readonly name: string;
    /** What it holds. */
    readonly text: string;
  };
  /**
   * A command that the author has run in a machine is over. It belongs to the step
   * that runs it; one of kind `execute` has no step of its own.
   */
  commandEnded: {
    /** The machine's name. */
    readonly machine: string;
    /** The method that ran it; `wait`: again and again, this the last time. */
    readonly kind: "succeed" | "fail" | "execute" | "wait";
    /** The command. */
    readonly command: string;
    /** Its exit status. */
    readonly status: number;
    /** What it wrote to stdout; of a long output, the beginning and the end. */
    readonly output: string;
    /** How many characters were left out of the middle of its output. */
    readonly omitted?: number;
    /** The console's text while it ran, if the caller asked for it. */
    readonly stderr?: string;
    /** In seconds. */
    readonly duration: number;
  };
  /** A machine's hypervisor runs. */
  machineStarted: {
    /** The machine's name. */
    readonly machine: string;
    /** What runs it, `"QEMU"` for example. */
    readonly hypervisor: string;
    /** The start script, or the command line, that started it. */
    readonly command: string;
    /** The start command's process. */
    readonly pid: number;
  };
  /** A fact: a program's version, its command line, an address. */
  fact: {
    /**
     * The fact's name, `"QEMU version"` for example. A later value replaces the
     * earlier.
     */
    readonly name: string;
    /** The value. */
    readonly value: string;
  };
  /** A moment that readers look for on the timeline. */
  mark: {
    /**
     * What happened: a machine's shell answers (`ready`), it is reset
     * (`reset`), dies (`death`) or ends (`end`); a momentary fault (`fault`);
     * something else (`note`).
     */
    readonly kind: "ready" | "reset" | "death" | "end" | "fault" | "note";
    /** More about it, in a few words. */
    readonly text?: string;
  };
  /** An interval begins that is not a step, such as a fault. */
  intervalBegan: {
    /** Unique within the run, among steps too. */
    readonly id: number;
    /** What it is: a lasting fault, or a paused machine. */
    readonly kind: "fault" | "pause";
    /** More about it, in a few words. */
    readonly text: string;
  };
  /** The interval that began with the same id is over. */
  intervalEnded: {
    /** Unique within the run, among steps too. */
    readonly id: number;
  };
  /** Something to read beside the run: a journal that was gathered, for example. */
  attachment: {
    /** What to call it. */
    readonly name: string;
    /** Path of its file, if it has one. */
    readonly path?: string;
    /** What it holds, if that is text. */
    readonly text?: string;
  };
  /** A machine printed a line on its serial console. */
  consoleLine: {
    /** The machine's name. */
    readonly machine: string;
    /** The line, harmless for a terminal, without its end. */
    readonly text: string;
  };
  /** A machine's serial console is kept in a file from now on. */
  consoleOpened: {
    /** The machine's name. */
    readonly machine: string;
    /** Path of the file that holds every byte of it. */
    readonly path: string;
  };
  /** A screenshot is on disk. */
  screenshot: {
    /** The machine's name. */
    readonly machine: string;
    /** Path of the image. */
    readonly path: string;
  };
  /** A file was copied out of a machine. */
  fileCopied: {
    /** The machine's name. */
    readonly machine: string;
    /** Path on the host. */
    readonly path: string;
  };
  /** The state of machines was saved, of all at the same moment. */
  snapshotTaken: {
    /** Unique within the run. */
    readonly id: number;
    /** The author's name for it, if there is one. */
    readonly name?: string;
    /** The machines, as events call them: those of a fork by their names there. */
    readonly machines: readonly string[];
    /** Seconds for which the machines were paused. */
    readonly duration: number;
  };
  /** Machines were restored to a snapshot. */
  snapshotRestored: {
    /** The snapshot's id. */
    readonly snapshot: number;
    /** The machines, as events call them. */
    readonly machines: readonly string[];
  };
  /**
   * A fork of a snapshot begins: new machines beside the original ones. Their
   * consoles begin with the text of the originals.
   */
  forkBegan: {
    /** Unique within the run. */
    readonly id: number;
    /** The snapshot's id. */
    readonly snapshot: number;
    /** The machines. */
    readonly machines: readonly {
      /** Its name in later events, such as `server~2`. */
      readonly name: string;
      /** The name of the machine of which it is a copy, such as `server`. */
      readonly parent: string;
    }[];
  };
  /** The machines of a fork are gone. */
  forkEnded: {
    /** The fork's id. */
    readonly id: number;
  };
  /** From now on console lines are shown on the terminal, or hidden. */
  serialStdout: {
    /** Whether they are shown. */
    readonly on: boolean;
  };
  /** From now on messages are shown from another level up. */
  logLevelSet: {
    /** The lowest level of messages to show. */
    readonly level: LogLevel;
  };
}

/**
 * Something that happened in a run: an event of one of the types that
 * {@linkcode RunEvents} lists, of any of them by default.
 *
 * @example
 * ```ts
 * import type { Listener, RunEvent } from "./mod.ts";
 *
 * const failed: string[] = [];
 * const listener: Listener = {
 *   on(event: RunEvent) {
 *     if (event.type === "subtestEnded" && event.error) failed.push(event.name);
 *   },
 * };
 * ```
 */
export type RunEvent<Type extends keyof RunEvents = keyof RunEvents> = {
  [Name in Type]:
    & {
      /** What happened. */
      readonly type: Name;
      /** When it happened, in seconds since the run began. */
      readonly time: number;
      /** The id of the step that encloses it, if any. */
      readonly step?: number;
      /** Name of the machine that it concerns, if any. */
      readonly machine?: string;
    }
    & RunEvents[Name];
}[Type];

/** A listener of a run, which gets every event. */
export interface Listener {
  /** The file that it writes, if it does. */
  readonly path?: string;
  /**
   * Whether it takes where steps begin (`stepPlaced`), or the errors of steps
   * with that place. It takes the log some time to find out, which it saves if
   * no listener does.
   *
   * @default {true}
   */
  readonly takesPlaces?: boolean;
  /**
   * Takes one event. Called synchronously, in the order of what happened. A
   * listener that throws gets no more events; the run goes on.
   */
  on(event: RunEvent): void;
  /**
   * Takes a part of a command's output, as it comes. This is not an event: the
   * event of the command's end has all of its output.
   *
   * @param machine The machine's name.
   * @param text What came, in pieces of any size.
   */
  onOutput?(machine: string, text: string): void;
  /**
   * Writes everything so far to its place, synchronously: the process may be
   * about to end.
   */
  flush?(): void;
  /** No event comes any more. */
  close?(): void | Promise<void>;
}

const levels: readonly LogLevel[] = ["debug", "info", "warning", "error"];

/**
 * Whether to show a message if levels from `least` up are wanted.
 *
 * @param level The message's level; one without a level is always shown.
 * @param least The lowest level to show.
 * @returns Whether to show it.
 */
export function isShown(level: LogLevel | undefined, least: LogLevel): boolean {
  return level === undefined || levels.indexOf(level) >= levels.indexOf(least);
}

const reports = new WeakMap<object, ErrorReport>();

/** Characters of an error's message in an event, and of its stack, at most. */
const mostMessage = 64 * 1024;

/**
 * Describes whatever was thrown. The same error gives the same report, so that
 * a listener recognises when a subtest and the run failed for the same cause.
 *
 * @param error What was thrown.
 * @returns Its name, message and stack, without the middle of a long text.
 */
export function describeError(error: unknown): ErrorReport {
  if (typeof error !== "object" || error === null) {
    return { name: "Error", message: shortened(String(error), mostMessage) };
  }
  let report = reports.get(error);
  if (report === undefined) {
    report = error instanceof Error
      ? {
        name: String(error.name),
        message: shortened(String(error.message), mostMessage),
        stack: typeof error.stack === "string"
          ? shortened(error.stack, mostMessage)
          : undefined,
      }
      : {
        name: "Error",
        message: shortened(Deno.inspect(error), mostMessage),
      };
    reports.set(error, report);
  }
  return report;
}
