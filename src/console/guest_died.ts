import { MachineError } from "../errors.ts";

/** The guest is beyond help. */
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

  /** Whether the kernel panicked, so that only a reset helps. */
  get isPanic(): boolean {
    return isPanic(this.line);
  }
}

/** Whether a line is what a kernel says that panics. */
export function isPanic(line: string): boolean {
  return line.includes("Kernel panic - not syncing");
}

/**
 * What a guest says, at the beginning of a line, that may never come up: the
 * kernel panicked, or systemd, an initial RAM disk or GRUB gave up and wait for
 * a person. Anybody can print that; a guest whose shell answers is alive. Each
 * takes its whole line, which says why, but for prompts.
 */
export const deathPatterns: readonly RegExp[] = [
  /Kernel panic - not syncing.*\n/,
  // systemd
  /You are in (?:emergency|rescue) mode.*\n/,
  /Cannot open access to console, the root account is locked.*\n/,
  // dracut
  /Entering emergency mode\..*\n/,
  // initramfs-tools
  /\(initramfs\) /,
  /grub rescue>/,
];

/** What may stand before: colours, and the kernel's time, with the task or processor. */
const lineBegin =
  // deno-lint-ignore no-control-regex
  /^(?:\x1b\[[\d;?]*[A-Za-z])*(?:<\d+>)?(?:\[ *\d+\.\d+\](?:\[ *[CT]\d+\])? )?/;

/**
 * Whether a line is what one of the patterns stands for. Those of
 * {@linkcode deathPatterns} do so at its beginning: elsewhere somebody quotes it.
 *
 * @param line The line, without its end.
 * @param pattern A pattern that matched up to the line's end.
 */
export function isSign(line: string, pattern: RegExp): boolean {
  if (!deathPatterns.includes(pattern)) return true;
  return `${line.replace(lineBegin, "")}\n`.search(pattern) === 0;
}
