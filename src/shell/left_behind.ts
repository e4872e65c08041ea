/** Characters of a command that a message quotes. */
const QUOTED = 60;

/** Warns of children that commands leave behind with their stdout or stderr. */
export class LeftBehind {
  readonly #warn: (text: string) => void;
  /**
   * Commands that left a child behind, by the port or job that the child holds.
   */
  readonly #commands = new Map<string, string>();
  /** Names of children that were warned of. */
  readonly #warned = new Set<string>();

  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  /** Expects the name of a child that holds a port, or the files of a job. */
  expect(held: string, command: string): void {
    this.#commands.set(held, command);
  }

  /** Stops expecting it. */
  forget(held: string): void {
    this.#commands.delete(held);
  }

  /** Takes the name of a child, and warns of it once. */
  named(held: string, process: string, program: string): void {
    const command = this.#commands.get(held);
    if (command === undefined || this.#warned.has(program)) return;
    this.#warned.add(program);
    const quoted = command.length > QUOTED
      ? `${command.slice(0, QUOTED)}…`
      : command;
    this.#warn(
      `the command \`${quoted}\` has ended and left ${program} (process ` +
        `${process}) behind, which holds its output; later output of that ` +
        "process is not shown",
    );
  }

  /** Forgets the commands of a guest that is gone. */
  clear(): void {
    this.#commands.clear();
  }
}
