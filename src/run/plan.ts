import type {
  CaptureMode,
  Driver,
  DriverOptions,
  MachineConfiguration,
} from "../driver/mod.ts";
import type { ConsoleDisplay, Listener, Log, LogLevel } from "../report/mod.ts";
import type { ScreenshotMode } from "./screenshot_mode.ts";
import type { Language, RunOptions, Script } from "../script/mod.ts";

/** The source of a test script. */
export interface ScriptSource {
  /** Its file, unless it came as text. */
  readonly path?: string;
  /** Its text, if it has no file. */
  readonly code?: string;
  /** The language that it is written in. */
  readonly language: Language;
}

/** The settings that a run and the command line have in common. */
export interface RunSettings {
  /** Numbers of the networks, each once. */
  readonly vlans: readonly number[];
  /** The test script, if there is one. */
  readonly script?: ScriptSource;
  /** The language of the script, or of a prompt without one. */
  readonly language: Language;
  /**
   * The directory for everything that the run leaves. It is made if it is
   * missing.
   */
  readonly outDir: string;
  /** Seconds. */
  readonly globalTimeout?: number;
  /** The seed of random decisions; a new one if nothing is given. */
  readonly seed?: number;
  /** Bytes of memory that the forks of subtests may have at a time. */
  readonly forkMemory?: number;
  /** Whether to take new snapshots in place of those that earlier runs kept. */
  readonly fresh?: boolean;
  /** When the frames of all networks are kept. */
  readonly capture?: CaptureMode;
  /**
   * Whether to keep the state directories, and to use those of the last run.
   */
  readonly keepState: boolean;
  /** Whether to show a prompt instead of running the script. */
  readonly interactive: boolean;
  /** Whether to run again whenever the script changes. */
  readonly watch: boolean;
  /** Whether machines outlive one run of the script under watch. */
  readonly keepMachines: boolean;
  /** Whether the script's types are checked. */
  readonly check: boolean;
  /** Whether to write the guests' memory to files if the run fails. */
  readonly dumpMemory: boolean;
  /** Whether the test goes on after a subtest that failed. */
  readonly keepGoing: boolean;
  /** When pictures of the screens are taken. */
  readonly screenshots: ScreenshotMode;
  /** Whether each machine's screen becomes a video. */
  readonly video: boolean;
  /** Whether a script that fails stops with a prompt. */
  readonly stopOnFailure: boolean;
  /** Path of the JUnit report. */
  readonly junitXml?: string;
  /** Path of the HTML report. */
  readonly html?: string;
  /** Path of the XML log. */
  readonly xmlLog?: string;
  /** Path of the file of events. */
  readonly events?: string;
  /** Whether a browser can watch the run. */
  readonly reportServer?: boolean;
  /** The lowest level of messages to show. */
  readonly logLevel: LogLevel;
  /**
   * When the terminal shows the machines' consoles. By default it shows each line
   * at once; but none, if it shows below the log what each machine does.
   */
  readonly console?: ConsoleDisplay;
  /** Whether to print how to connect to the machines by ssh. */
  readonly sshBackdoor: boolean;
  /** Whether the driver has to make the machines' virtual sockets for ssh. */
  readonly vhostVsock: boolean;
  /** The machines' vsock numbers count from this one. */
  readonly dumpVsocks?: number;
  /** The program that attaches to a breakpoint in a build sandbox. */
  readonly debugHookAttach?: string;
  /** Warnings. */
  readonly warnings: readonly string[];
}

/** All settings of a run, from the command line or from a library's user. */
export interface Plan extends RunSettings {
  /** The run's name in reports; the script's path if nothing is given. */
  readonly name?: string;
  /** The machines, whose names differ. */
  readonly machines: readonly (string | MachineConfiguration)[];
  /** The test, if it is a function and no script. */
  readonly test?: (driver: Driver) => Promise<void>;
  /**
   * Runs a script that makes its own drivers. If it is absent, the run makes
   * one.
   */
  readonly evaluate?: (surroundings: OwnDrivers) => Promise<void>;
  /** More listeners. */
  readonly listeners?: readonly Listener[];
}

/** The parts of a run that a script with its own drivers uses. */
export interface OwnDrivers extends RunOptions {
  /** The script. */
  readonly script: Script;
  /** The log. */
  readonly log: Log;
  /** Ends what the drivers do. */
  readonly signal: AbortSignal;
  /** Called for each new driver, which the run disposes at its end. */
  readonly onDriver: (driver: Driver) => void;
  /** See {@linkcode DriverOptions.onForkFailure}. */
  readonly onForkFailure: DriverOptions["onForkFailure"];
}
