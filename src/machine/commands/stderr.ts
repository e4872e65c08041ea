import type { SerialConsole } from "../../console/mod.ts";

/** Matches the lines of the kernel and of systemd on a console. */
const OTHERS = /^(<\d+>)?\[ *\d+\.\d+\] |^\[ *(OK|FAILED|DEPEND|\*+) *\] /;

/**
 * Matches the kernel's line about a process that it kills when memory runs out.
 */
const KILLED = /out of memory.*: Killed process (\d+) \((.*?)\)/i;

/** A process that the guest's kernel killed because memory ran out. */
export interface Victim {
  readonly process: string;
  readonly name: string;
}

/**
 * The place of a command's stderr on the serial console. Lines that other
 * programs write at the same time are there too.
 */
export class StderrPlace {
  readonly #console: SerialConsole;
  readonly #running: Set<StderrPlace>;
  #from?: number;
  /** Whether other commands ran at the same time. */
  #hasCompany = false;

  /**
   * Begins with a command that is about to run.
   *
   * @param running The machine's commands that run now.
   */
  constructor(console: SerialConsole, running: Set<StderrPlace>) {
    this.#console = console;
    this.#running = running;
    for (const other of running) {
      this.#hasCompany = other.#hasCompany = true;
    }
    running.add(this);
  }

  /** Called when the command is on its way: earlier lines are not its own. */
  begin(): void {
    this.#from = this.#console.position;
  }

  /** The command has ended. */
  end(): void {
    this.#running.delete(this);
  }

  /**
   * The process that the kernel has killed for lack of memory since the command
   * began.
   */
  victims(): Victim[] {
    if (this.#from === undefined) return [];
    return this.#console.linesSince(this.#from).flatMap((line) => {
      const [, process, name] = KILLED.exec(line) ?? [];
      return process === undefined ? [] : [{ process, name }];
    });
  }

  /**
   * Makes the end of a failure's message from the console's last lines since
   * the command began.
   *
   * @param lines How many lines at most.
   */
  quote(lines: number): string {
    if (this.#from === undefined) return "";
    const said = this.#console.linesSince(this.#from)
      .filter((line) => !OTHERS.test(line)).slice(-lines);
    if (said.length === 0) return "";
    const whose = this.#hasCompany
      ? "stderr of commands that ran at the same time"
      : "its stderr";
    return `; ${whose} ended with:\n${said.join("\n")}`;
  }
}
