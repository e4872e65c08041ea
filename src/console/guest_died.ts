import { MachineError } from "../errors.ts";

/** The guest of a machine died: its kernel panicked, or its boot gave up. */
export class GuestDied extends MachineError {
  /** The error's name. */
  override name = "GuestDied";
  /** Name of the machine. */
  readonly machine: string;
  /** The line that the guest printed. */
  readonly line: string;

  /**
   * Describes the death.
   *
   * @param machine Name of the machine.
   * @param line The line that the guest printed.
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

  /**
   * Whether the kernel panicked, so that only a reset brings the guest back.
   */
  get isPanic(): boolean {
    return isPanic(this.line);
  }
}

/** Whether a kernel prints the line when it panics. */
export function isPanic(line: string): boolean {
  return line.includes("Kernel panic - not syncing");
}

/**
 * Text at the beginning of a line that may mean the end of a guest: the kernel
 * panicked, or systemd, an initial RAM disk or GRUB gave up and waits for a
 * person. Any program can print it, so the driver asks the guest's shell: a
 * guest whose shell answers is alive. Each pattern matches the whole line,
 * which tells the reason; those of prompts do not.
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

/**
 * May stand before the text: colours, and the kernel's time, with the task or
 * processor.
 */
const lineBegin =
  // deno-lint-ignore no-control-regex
  /^(?:\x1b\[[\d;?]*[A-Za-z])*(?:<\d+>)?(?:\[ *\d+\.\d+\](?:\[ *[CT]\d+\])? )?/;

/**
 * Whether a line that a pattern has matched is a sign of death. The patterns of
 * {@linkcode deathPatterns} must match at its beginning: elsewhere in a line, a
 * program quotes the text.
 *
 * @param line The line, without its end.
 * @param pattern A pattern that matched up to the line's end.
 */
export function isSign(line: string, pattern: RegExp): boolean {
  if (!deathPatterns.includes(pattern)) return true;
  return `${line.replace(lineBegin, "")}\n`.search(pattern) === 0;
}
