import type { SerialConsole } from "../../console/mod.ts";

/** What the kernel and systemd print on a console: no command's stderr. */
const OTHERS = /^(<\d+>)?\[ *\d+\.\d+\] |^\[ *(OK|FAILED|DEPEND|\*+) *\] /;

/** What the kernel prints of a process that it kills when memory runs out. */
const KILLED = /out of memory.*: Killed process (\d+) \((.*?)\)/i;

/** A process that the guest's kernel killed for want of memory. */
export interface Victim {
  readonly process: string;
  readonly name: string;
}

/**
 * Where a command's stderr stands on the serial console: it goes there, as it
 * does without a driver. What others wrote meanwhile stands there too.
 */
export class StderrPlace {
  readonly #console: SerialConsole;
  readonly #running: Set<StderrPlace>;
  #from?: number;
  /** Whether other commands ran at the same time. */
  #hasCompany = false;

  /**
   * Takes note of a command that is about to run.
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

  /** The command is on its way: what was said before is not its own. */
  begin(): void {
    this.#from = this.#console.position;
  }

  /** The command has ended. */
  end(): void {
    this.#running.delete(this);
  }

  /** Whom the kernel has killed for want of memory since the command began. */
  victims(): Victim[] {
    if (this.#from === undefined) return [];
    return this.#console.linesSince(this.#from).flatMap((line) => {
      const [, process, name] = KILLED.exec(line) ?? [];
      return process === undefined ? [] : [{ process, name }];
    });
  }

  /**
   * The end of what the console has said since the command began, as the end
   * of a failure's message.
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
