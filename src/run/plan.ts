import type {
  CaptureMode,
  Driver,
  MachineConfiguration,
} from "../driver/mod.ts";
import type { ConsoleDisplay, Listener, Log, LogLevel } from "../report/mod.ts";
import type { Language, RunOptions, Script } from "../script/mod.ts";

/** Where a test script is. */
export interface ScriptSource {
  /** Its file, unless it came as text. */
  readonly path?: string;
  /** Its text, where that is all there is. */
  readonly code?: string;
  /** The language that it is written in. */
  readonly language: Language;
}

/** Everything that makes a run, whoever asked for it. */
export interface Plan {
  /** What to call the run in reports. Default: the script's path. */
  readonly name?: string;
  /** The machines, no two of one name. */
  readonly machines: readonly (string | MachineConfiguration)[];
  /** Numbers of the networks, each once. */
  readonly vlans: readonly number[];
  /** The test script, if there is one. */
  readonly script?: ScriptSource;
  /** The test, where it is a function and no script. */
  readonly test?: (driver: Driver) => Promise<void>;
  /** Runs a script that makes its own drivers; without, the run makes one. */
  readonly evaluate?: (surroundings: OwnDrivers) => Promise<void>;
  /** The language of the script, or of a prompt without one. */
  readonly language: Language;
  /** Where everything goes that the run leaves; made where it is missing. */
  readonly outDir: string;
  /** Seconds. */
  readonly globalTimeout?: number;
  /** What decides about what happens at random; a new one by default. */
  readonly seed?: number;
  /** When the frames of all networks are kept. */
  readonly capture?: CaptureMode;
  /** Whether the state directories stay, and those of the last run are used. */
  readonly keepState: boolean;
  /** Whether to show a prompt instead of running the script. */
  readonly interactive: boolean;
  /** Whether to run again whenever the script changes. */
  readonly watch: boolean;
  /** Whether machines outlive one run of the script under watch. */
  readonly keepMachines: boolean;
  /** Whether the script's types are checked. */
  readonly check: boolean;
  /** Whether the guests' memory is written to files where the run fails. */
  readonly dumpMemory: boolean;
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
  /** The lowest level of messages to show. */
  readonly logLevel: LogLevel;
  /** When the terminal shows the machines' consoles. */
  readonly console: ConsoleDisplay;
  /** More who are told of everything. */
  readonly listeners?: readonly Listener[];
  /** Whether to print how to reach the machines by ssh. */
  readonly sshBackdoor: boolean;
  /** Whether the driver has to give the machines their virtual sockets for that. */
  readonly vhostVsock: boolean;
  /** What the machines' vsock numbers count from. */
  readonly dumpVsocks?: number;
  /** The program that attaches to a breakpoint in a build sandbox. */
  readonly debugHookAttach?: string;
  /** What is odd, but no reason to stop. */
  readonly warnings: readonly string[];
}

/** What a script that makes its own drivers finds. */
export interface OwnDrivers extends RunOptions {
  /** The script. */
  readonly script: Script;
  /** Where everything is told. */
  readonly log: Log;
  /** Ends what the drivers do. */
  readonly signal: AbortSignal;
  /** Told of each driver that is made, to dispose of it in the end. */
  readonly onDriver: (driver: Driver) => void;
}
