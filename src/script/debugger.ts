import type { Debug, Driver } from "../driver/mod.ts";
import { MachineError } from "../errors.ts";
import { describeError } from "../report/mod.ts";
import { describeFailure } from "./failure.ts";
import type { Breakpoint } from "./python/session.ts";
import type { Script } from "./script.ts";
import { ScriptExit } from "./script_exit.ts";

/** Options of a debugger. */
export interface DebuggerOptions {
  /**
   * In a build sandbox: the program that attaches to a process in it. There, a
   * TCP port leads to the prompt. A script that fails also stops.
   */
  attach?: string;
  /** Whether a script that fails stops with a prompt at the terminal. */
  stopOnFailure?: boolean;
  /** The script, whose line a prompt shows after a failure. */
  script?: Script;
}

/** The place at which a script stops. */
type Place =
  & { hasFailed?: true }
  & (
    | { names: Record<string, unknown> }
    | { python: Breakpoint; interrupt: () => void }
  );

/**
 * The object `debug` of scripts. A prompt opens at their breakpoints, if a
 * person is there.
 */
export class Debugger implements Debug {
  /** The driver of the script. */
  driver?: Driver;
  readonly #options: DebuggerOptions;
  /** Settled when no prompt is open. Prompts open one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: DebuggerOptions = {}) {
    this.#options = options;
  }

  /** Whether a script that fails stops. */
  get stopsAtFailure(): boolean {
    const { attach, stopOnFailure = false } = this.#options;
    return attach !== undefined || stopOnFailure;
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

  /** Stops a script in TypeScript that has failed. */
  failed(error: unknown): Promise<void> {
    return this.#stopAtFailure(error, { names: {} });
  }

  /** Stops a script in Python that has failed. */
  failedInPython(
    error: unknown,
    python: Breakpoint,
    interrupt: () => void,
  ): Promise<void> {
    return this.#stopAtFailure(error, { python, interrupt });
  }

  /**
   * It does not stop if the run was ended from outside. In a sandbox it does
   * not stop after the end of a machine either, as in NixOS: there is less to
   * look at, and the machine does not come back.
   */
  async #stopAtFailure(error: unknown, place: Place): Promise<void> {
    const { driver } = this;
    if (!this.stopsAtFailure || driver === undefined) return;
    if (error instanceof ScriptExit) return;
    const isInSandbox = this.#options.attach !== undefined;
    if (isInSandbox && error instanceof MachineError) return;
    if (driver.signal.aborted) return;
    const { script } = this.#options;
    driver.log.error(describeFailure(error, {
      scriptUrl: script?.url ?? "",
      scriptName: script?.name ?? "",
      scriptText: script?.path === undefined ? script?.readText() : undefined,
    }));
    try {
      await this.#stop({ ...place, hasFailed: true });
    } catch (stopError) {
      driver.signal.throwIfAborted();
      // The run reports the script's own error.
      driver.log.warning(
        `could not stop there: ${describeError(stopError).message}`,
      );
    }
  }

  #stop(place: Place): Promise<void> {
    const turn = this.#turn.then(async () => {
      const { driver } = this;
      if (driver === undefined) return;
      // The prompt is loaded here, because most scripts never stop.
      const { stopAt } = await import("./prompt/mod.ts");
      await stopAt({ driver, ...place, ...this.#options });
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }
}
