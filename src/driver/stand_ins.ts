import { AsyncLocalStorage } from "node:async_hooks";
import type { Log } from "../report/mod.ts";
import { identifier } from "./identifier.ts";

/** A subtest on a fork. */
interface Scope {
  readonly subtest: string;
  /** The labels of the machines that the fork's stand in for. */
  readonly originals: ReadonlySet<string>;
  /** Those that have been used nevertheless. */
  readonly used: Set<string>;
  /** The subtest around it. */
  readonly outer?: Scope;
}

/**
 * Warns if a subtest on a fork uses the original machines: a script's `server`
 * is still the original one in there, unless the subtest's function takes the
 * fork's.
 */
export class StandIns {
  readonly #log: Log;
  readonly #flow = new AsyncLocalStorage<Scope>();

  /** Takes the log for the warnings. */
  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Runs the function of a subtest.
   *
   * @param originals The labels of the machines that the fork's stand in for.
   */
  within<T>(
    subtest: string,
    originals: readonly string[],
    fn: () => T,
  ): T {
    const outer = this.#flow.getStore();
    return this.#flow.run(
      { subtest, originals: new Set(originals), used: new Set(), outer },
      fn,
    );
  }

  /** Notes that the calling code does something with a machine. */
  note(label: string): void {
    for (
      let scope = this.#flow.getStore();
      scope !== undefined;
      scope = scope.outer
    ) {
      if (!scope.originals.has(label) || scope.used.has(label)) continue;
      scope.used.add(label);
      const name = identifier(label.replace(/~\d+$/, ""));
      this.#log.warning(
        `the subtest "${scope.subtest}" uses the original machine, not the one ` +
          "of its fork, which its function has as an argument: " +
          `async ({ ${name} }) => …`,
        { machine: label },
      );
    }
  }
}
