import { MachineError } from "../report/mod.ts";

/** The guest said on its console that it is beyond help. */
export class GuestDied extends MachineError {
  /** The error's name. */
  override name = "GuestDied";
  /** Name of the machine. */
  readonly machine: string;
  /** What it said, one line. */
  readonly line: string;

  /**
   * Describes the death.
   *
   * @param machine Name of the machine.
   * @param line What it said.
   * @param tail The console's last lines.
   */
  constructor(machine: string, line: string, tail: readonly string[] = []) {
    const last = tail.length === 0
      ? ""
      : `; the console's last lines:\n${tail.map((l) => `  ${l}`).join("\n")}`;
    super(`the guest of ${machine} died: ${line}${last}`);
    this.machine = machine;
    this.line = line;
  }
}

/**
 * What a guest says that will never come up: the kernel panicked, or systemd
 * gave up and waits for a person. Each takes its whole line, which says why.
 */
export const deathPatterns: readonly RegExp[] = [
  /Kernel panic - not syncing.*\n/,
  /You are in emergency mode.*\n/,
  /Entering emergency mode\..*\n/,
  /Cannot open access to console, the root account is locked.*\n/,
];
