import type { Debug, Driver } from "../driver/mod.ts";
import type { Breakpoint } from "./python/mod.ts";

/** How somebody can look around where a script stops. */
export interface DebuggerOptions {
  /**
   * In a build sandbox: the program that attaches to a process in it. Who does
   * so finds the prompt at a TCP port there.
   */
  attach?: string;
}

/**
 * What `debug` is for scripts that are run by the command line: a prompt opens
 * at their breakpoints, if somebody is there.
 */
export class Debugger implements Debug {
  /** The driver of the script. */
  driver?: Driver;
  readonly #options: DebuggerOptions;
  /** Settled when nobody looks around; one at a time does. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: DebuggerOptions = {}) {
    this.#options = options;
  }

  /** Stops a script in TypeScript. */
  breakpoint(names: Record<string, unknown> = {}): Promise<void> {
    return this.#stop({ names });
  }

  /** Stops a script in Python. */
  breakpointInPython(
    python: Breakpoint,
    interrupt: () => void,
  ): Promise<void> {
    return this.#stop({ python, interrupt });
  }

  #stop(
    place:
      | { names: Record<string, unknown> }
      | { python: Breakpoint; interrupt: () => void },
  ): Promise<void> {
    const turn = this.#turn.then(async () => {
      const { driver } = this;
      if (driver === undefined) return;
      // Most scripts never stop.
      const { stopAt } = await import("./prompt/mod.ts");
      await stopAt({ driver, ...place, ...this.#options });
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }
}
