import type { Log } from "../report/mod.ts";
import { type Random, random } from "./links/random.ts";

/**
 * Something that is broken on purpose. It ends where it is healed, or disposed of
 * as `await using` does, and else with the subtest that it began in, or with the
 * test script.
 */
export interface Fault extends AsyncDisposable {
  /** What it is, as the log says it. */
  readonly text: string;
  /** Whether it has ended. */
  readonly isOver: boolean;
  /** Mends what is broken, if nothing else has. */
  heal(): Promise<void>;
}

/** What {@linkcode Faults.begin} takes. */
export interface FaultOptions {
  /** What it is: `link to VLAN 1: delay 50 ms`. */
  readonly text: string;
  /** Whose it is, if it is one machine's. */
  readonly machine?: string;
  /** What reports call it, `note`: nothing, as it breaks nothing; `fault` by default. */
  readonly kind?: "fault" | "pause" | "note";
  /** Whether its end is more than that of the machines, as a file's is. */
  readonly outlivesMachines?: boolean;
  /** Mends it; where that fails, so does the healing. */
  undo(): Promise<void>;
}

/** A fault, and where it began. */
interface Kept extends Fault {
  readonly scope: number | undefined;
  /** Takes note that its machine ends, or that the run does. */
  end(): Promise<void>;
}

/** The faults of a run, and what decides about those that happen at random. */
export class Faults {
  readonly #log: Log;
  readonly #kept = new Set<Kept>();
  readonly #seed: number;
  #isSeedTold = false;

  /**
   * Takes where faults are told.
   *
   * @param seed What decides about what is random; a new one by default.
   */
  constructor(log: Log, seed?: number) {
    this.#log = log;
    this.#seed = seed ?? crypto.getRandomValues(new Uint32Array(1))[0];
  }

  /** The subtest that the calling code is in, if any: faults end with it. */
  get scope(): number | undefined {
    return this.#log.currentSubtest?.id;
  }

  /** A source of random numbers, which the run's seed and its name decide. */
  random(name: string): Random {
    let source: Random | undefined;
    return () => (source ??= this.#begin(name))();
  }

  #begin(name: string): Random {
    if (!this.#isSeedTold) {
      this.#isSeedTold = true;
      this.#log.info(
        `what happens at random to links follows the seed ${this.#seed}; ` +
          `--seed ${this.#seed} repeats it`,
      );
    }
    return random(`${this.#seed} ${name}`);
  }

  /** Takes note of a fault that has begun. */
  begin(options: FaultOptions): Fault {
    const { text, machine, kind = "fault", outlivesMachines, undo } = options;
    const attributes = { machine };
    this.#log.info(text, attributes);
    const interval = kind === "note"
      ? undefined
      : this.#log.interval(kind, { text, machine });
    let healing: Promise<void> | undefined;
    const heal = () =>
      healing ??= (async () => {
        this.#kept.delete(fault);
        this.#log.debug(`healed: ${text}`, attributes);
        try {
          await undo();
        } finally {
          interval?.[Symbol.dispose]();
        }
      })();
    const end = () => {
      if (outlivesMachines) return heal();
      this.#kept.delete(fault);
      interval?.[Symbol.dispose]();
      return healing ??= Promise.resolve();
    };
    const fault: Kept = {
      text,
      end,
      scope: this.scope,
      get isOver() {
        return healing !== undefined;
      },
      heal,
      [Symbol.asyncDispose]: heal,
    };
    this.#kept.add(fault);
    return fault;
  }

  /** Heals what began in a subtest, the last first. */
  async endScope(subtest: number): Promise<void> {
    await this.#heal([...this.#kept].filter(({ scope }) => scope === subtest));
  }

  /** Heals everything, the last first. */
  async healAll(): Promise<void> {
    await this.#heal([...this.#kept]);
  }

  /** Ends everything, where the machines end by themselves. */
  async endAll(): Promise<void> {
    await Promise.allSettled([...this.#kept].map((fault) => fault.end()));
  }

  async #heal(faults: Fault[]): Promise<void> {
    for (const fault of faults.reverse()) {
      try {
        await fault.heal();
      } catch (error) {
        this.#log.warning(
          `could not be healed: ${fault.text}: ${(error as Error).message}`,
        );
      }
    }
  }
}
