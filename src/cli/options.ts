import { endsStartScripts, endsVlans } from "./list_ends.ts";

/** How an option takes its values. */
export interface Option {
  /** Its spellings, the one that messages use first. */
  readonly names: readonly string[];
  /**
   * `list` takes every word up to the next option, or to the first that can't
   * belong to it, and may be repeated.
   */
  readonly kind: "flag" | "value" | "list";
  /** Whether a word can't belong to the list. */
  readonly ends?: (word: string) => boolean;
  /** What stands for the value in the help. */
  readonly value?: string;
  /** The environment variable that is read where the option is not given. */
  readonly environment?: string;
  /** Whether `--no-…` is understood. */
  readonly negatable?: boolean;
  /** One or more sentences for the help, without a full stop at the end. */
  readonly help: string;
}

/**
 * Every option. Upstream's spellings of the same thing are among the names, so
 * that a call of the Python driver is understood as it is.
 */
export const options = {
  startScripts: {
    names: ["--start-scripts"],
    kind: "list",
    value: "S…",
    ends: endsStartScripts,
    environment: "startScripts",
    help: "one machine per start script, named by run-<name>-vm",
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
    help: "the same from a file whose machines name their backend, as attest's",
  },
  language: {
    names: ["--language"],
    kind: "value",
    value: "L",
    help:
      "typescript or python; by default .ts and .js files are TypeScript, all others Python",
  },
  outputDir: {
    names: ["--output-dir", "--output_directory", "--output-directory", "-o"],
    kind: "value",
    value: "DIR",
    help:
      "where screenshots, copied files, console logs and reports go, made where it is missing; default: the working directory",
  },
  globalTimeout: {
    names: ["--global-timeout"],
    kind: "value",
    value: "SECONDS",
    environment: "globalTimeout",
    help: "kill every machine and fail after this time",
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
    help: "keep the machines' state directories of the last run",
  },
  interactive: {
    names: ["--interactive", "-I"],
    kind: "flag",
    negatable: true,
    help: "a prompt with the machines at hand, instead of running the script",
  },
  watch: {
    names: ["--watch"],
    kind: "flag",
    help: "run again whenever the script changes",
  },
  keepMachines: {
    names: ["--keep-machines"],
    kind: "flag",
    help: "with --watch: go on with the machines as they are",
  },
  check: {
    names: ["--check"],
    kind: "flag",
    negatable: true,
    help: "whether to check the script's types; default: yes, where deno is",
  },
  lint: {
    names: ["--lint"],
    kind: "flag",
    negatable: true,
    help:
      "with check: whether to look for mistakes beside wrong types, as for a missing await; default: yes",
  },
  junitXml: {
    names: ["--junit-xml", "--junit_xml"],
    kind: "value",
    value: "F",
    help: "write a JUnit report, relative to the output directory",
  },
  html: {
    names: ["--html"],
    kind: "value",
    value: "F",
    negatable: true,
    help:
      "write the HTML report there, relative to the output directory; default: report.html; --no-html: none",
  },
  logLevel: {
    names: ["--log-level", "--log_level"],
    kind: "value",
    value: "LEVEL",
    environment: "logLevel",
    help: "debug, info, warning or error; default: info",
  },
  console: {
    names: ["--console"],
    kind: "value",
    value: "WHEN",
    negatable: true,
    environment: "console",
    help:
      "show the machines' consoles live, quiet (not at all) or failed (their last lines, where the run fails); default: live; --no-console: quiet",
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
    help: "the same, the machines' vsock numbers counting from OFFSET",
  },
  debugHookAttach: {
    names: ["--debug-hook-attach"],
    kind: "value",
    value: "F",
    help:
      "stop at breakpoints, and where the script fails, in a build sandbox; F attaches to it",
  },
  help: { names: ["--help", "-h"], kind: "flag", help: "show this text" },
  version: { names: ["--version"], kind: "flag", help: "show the version" },
} as const satisfies Record<string, Option>;

/** The key of an option in {@linkcode options}. */
export type OptionKey = keyof typeof options;
