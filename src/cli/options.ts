import { endsStartScripts, endsVlans } from "./list_ends.ts";

/** An option of the command line. */
export interface Option {
  /** Its spellings. Messages use the first one. */
  readonly names: readonly string[];
  /**
   * How it takes values. `list` takes all words up to the next option, or up to
   * the first word that can't belong to it. It may be repeated.
   */
  readonly kind: "flag" | "value" | "list";
  /** Whether a word can't belong to the list. */
  readonly ends?: (word: string) => boolean;
  /** Whether it takes one value each time that it is given, and keeps all. */
  readonly repeatable?: boolean;
  /** The word for the value in the help. */
  readonly value?: string;
  /** The environment variable that gives the value if the option is missing. */
  readonly environment?: string;
  /** Whether there is also `--no-…`. */
  readonly negatable?: boolean;
  /** The only subcommands that it goes with. */
  readonly only?: readonly string[];
  /** The help: one or more sentences, without a full stop at the end. */
  readonly help: string;
}

/**
 * All options. Their names include the spellings of the Python driver, so that
 * its calls work unchanged.
 */
export const options = {
  startScripts: {
    names: ["--start-scripts"],
    kind: "list",
    value: "S…",
    ends: endsStartScripts,
    environment: "startScripts",
    help: "start scripts; each run-<name>-vm becomes the machine <name>",
  },
  vlans: {
    names: ["--vlans"],
    kind: "list",
    value: "N…",
    ends: endsVlans,
    environment: "vlans",
    help: "numbers of the networks to create",
  },
  testScript: {
    names: ["--test-script"],
    kind: "value",
    value: "F",
    environment: "testScript",
    help: "the test script, the same as SCRIPT",
  },
  config: {
    names: ["--config", "-c"],
    kind: "value",
    value: "F",
    help: "read machines, networks, timeout and script from a JSON file",
  },
  machineConfig: {
    names: ["--machine-config"],
    kind: "value",
    value: "F",
    environment: "machineConfig",
    help: "the same, from a JSON file in which each machine names its backend",
  },
  language: {
    names: ["--language"],
    kind: "value",
    value: "L",
    help:
      "typescript or python; default: TypeScript for .ts and .js files, Python for all others",
  },
  outputDir: {
    names: ["--output-dir", "--output_directory", "--output-directory", "-o"],
    kind: "value",
    value: "DIR",
    help:
      "directory for screenshots, copied files, console logs and reports, made if it is missing; default: the working directory",
  },
  globalTimeout: {
    names: ["--global-timeout"],
    kind: "value",
    value: "SECONDS",
    environment: "globalTimeout",
    help: "after this time, kill every machine and fail",
  },
  keepState: {
    names: [
      "--keep-vm-state",
      "--keep-machine-state",
      "--keep_vm_state",
      "--keep_machine_state",
      "-K",
    ],
    kind: "flag",
    help: "keep the machines' state directories from run to run",
  },
  interactive: {
    names: ["--interactive", "-I"],
    kind: "flag",
    negatable: true,
    help: "open a prompt with the machines, instead of running the script",
  },
  watch: {
    names: ["--watch"],
    kind: "flag",
    help: "run again whenever the script changes",
  },
  keepMachines: {
    names: ["--keep-machines"],
    kind: "flag",
    help: "with --watch: keep the machines running between runs",
  },
  check: {
    names: ["--check"],
    kind: "flag",
    negatable: true,
    help: "check the script's types; default: yes, if deno is there",
  },
  lint: {
    names: ["--lint"],
    kind: "flag",
    negatable: true,
    help:
      "with check: look for more than wrong types, such as a missing await; default: yes",
  },
  junitXml: {
    names: ["--junit-xml", "--junit_xml"],
    kind: "value",
    value: "F",
    environment: "junitXml",
    help: "write a JUnit report, relative to the output directory",
  },
  html: {
    names: ["--html"],
    kind: "value",
    value: "F",
    negatable: true,
    help:
      "write the HTML report to F, relative to the output directory; default: report.html; --no-html: write none",
  },
  events: {
    names: ["--events"],
    kind: "value",
    value: "F",
    environment: "eventsFile",
    help:
      "write every event as a line of JSON, relative to the output directory; vmwright report makes the page from it",
  },
  reportServer: {
    names: ["--report-server"],
    kind: "flag",
    help: "show the report in a browser while the test runs, on this host only",
  },
  logLevel: {
    names: ["--log-level", "--log_level"],
    kind: "value",
    value: "LEVEL",
    environment: "logLevel",
    help:
      "show messages from this level up: debug, info, warning or error; default: info",
  },
  console: {
    names: ["--console"],
    kind: "value",
    value: "WHEN",
    negatable: true,
    environment: "console",
    help:
      "show the machines' consoles: live, failed (the last lines, if the run fails) or quiet (never); default: quiet on a terminal, else live; --no-console: quiet",
  },
  seed: {
    names: ["--seed"],
    kind: "value",
    value: "N",
    help:
      "repeat the random decisions about links of the run that printed this seed; default: a new seed",
  },
  fresh: {
    names: ["--fresh"],
    kind: "flag",
    help: "take new snapshots in place of those that earlier runs kept",
  },
  forkMemory: {
    names: ["--fork-memory"],
    kind: "value",
    value: "MIB",
    help:
      "memory that the machines of all forks of subtests may have at a time; default: what is free, less a reserve",
  },
  capture: {
    names: ["--capture"],
    kind: "value",
    value: "WHEN",
    help:
      "keep all frames of each network N in vlanN.pcapng: always, or only if the run fails (failed)",
  },
  screenshots: {
    names: ["--screenshots"],
    kind: "value",
    value: "WHEN",
    help:
      "keep pictures of screens that show something new: when the run fails (failed), after each step (steps), or every N seconds (interval:N); default: failed",
  },
  video: {
    names: ["--video"],
    kind: "flag",
    help: "make a WebM video of each screen, with ffmpeg",
  },
  keepGoing: {
    names: ["--keep-going"],
    kind: "flag",
    help:
      "go on with the next subtest after one that failed, and report all failures at the end",
  },
  onFailure: {
    names: ["--on-failure"],
    kind: "value",
    value: "WHAT",
    help:
      "when the script fails: shell stops there with a prompt, before the machines end",
  },
  dumpMemory: {
    names: ["--dump-memory"],
    kind: "flag",
    help: "when the script fails, write each guest's memory to a file",
  },
  sshBackdoor: {
    names: ["--ssh-backdoor"],
    kind: "flag",
    help: "print how to reach each machine by ssh",
  },
  dumpVsocks: {
    names: ["--dump-vsocks"],
    kind: "value",
    value: "OFFSET",
    help: "the same, with vsock numbers from OFFSET on",
  },
  debugHookAttach: {
    names: ["--debug-hook-attach"],
    kind: "value",
    value: "F",
    help:
      "in a build sandbox: stop at breakpoints and where the script fails; the program F attaches to the sandbox",
  },
  tag: {
    names: ["--tag"],
    kind: "value",
    repeatable: true,
    only: ["test"],
    value: "TAG",
    help:
      "run only tests with this tag; if given several times, tests with any of the tags",
  },
  list: {
    names: ["--list"],
    kind: "flag",
    only: ["test"],
    help: "list the tests with their needs and tags, and run none",
  },
  lastFailed: {
    names: ["--last-failed"],
    kind: "flag",
    only: ["test"],
    help: "run only the tests that did not pass in the last results in DIR",
  },
  repeat: {
    names: ["--repeat"],
    kind: "value",
    only: ["test"],
    value: "N",
    help: "run each test N times",
  },
  retries: {
    names: ["--retries"],
    kind: "value",
    only: ["test"],
    value: "N",
    help:
      "try a test that does not pass up to N times more; default: as the suite says",
  },
  failOnFlaky: {
    names: ["--fail-on-flaky"],
    kind: "flag",
    only: ["test", "report"],
    help: "fail if a test passed only when it was tried again",
  },
  maxFailures: {
    names: ["--max-failures"],
    kind: "value",
    only: ["test"],
    value: "N",
    help: "begin no more tests after N that failed",
  },
  workers: {
    names: ["--workers"],
    kind: "value",
    only: ["test"],
    value: "N",
    help: "run at most N tests at a time; default: the host's processors",
  },
  memory: {
    names: ["--memory"],
    kind: "value",
    only: ["test"],
    value: "SIZE",
    help:
      "memory of all tests at a time, 8G for example; default: what is free, less a reserve",
  },
  shard: {
    names: ["--shard"],
    kind: "value",
    only: ["test"],
    value: "I/N",
    help: "run part I of N, on one of N hosts",
  },
  history: {
    names: ["--history"],
    kind: "value",
    only: ["test", "report"],
    value: "FILE",
    help: "read and write the history of tests there; default: DIR/history",
  },
  help: { names: ["--help", "-h"], kind: "flag", help: "show this text" },
  version: { names: ["--version"], kind: "flag", help: "show the version" },
} as const satisfies Record<string, Option>;

/** The key of an option in {@linkcode options}. */
export type OptionKey = keyof typeof options;
