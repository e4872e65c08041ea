import type { Log } from "../report/mod.ts";
import { type Random, random } from "./links/random.ts";

/**
 * A fault that the test has caused on purpose. It ends when it is healed or
 * disposed (`await using`), and otherwise with the subtest in which it began,
 * or with the test script.
 */
export interface Fault extends AsyncDisposable {
  /** Its description in the log. */
  readonly text: string;
  /** Whether it has ended. */
  readonly isOver: boolean;
  /** Ends the fault, if it has not ended. */
  heal(): Promise<void>;
}

/** What {@linkcode Faults.begin} takes. */
export interface FaultOptions {
  /** The description: `link to VLAN 1: delay 50 ms`. */
  readonly text: string;
  /** The machine, if the fault is one machine's. */
  readonly machine?: string;
  /**
   * Its kind in reports; `note`: it breaks nothing, so reports show no fault.
   *
   * @default {"fault"}
   */
  readonly kind?: "fault" | "pause" | "note";
  /** Whether it has an end beyond that of the machines, as a file has. */
  readonly outlivesMachines?: boolean;
  /** Ends it. If this fails, so does the healing. */
  undo(): Promise<void>;
}

/** A fault, and where it began. */
interface Kept extends Fault {
  readonly scope: number | undefined;
  /** Called when its machine or the run ends. */
  end(): Promise<void>;
}

/** The faults of a run, and the source of random decisions. */
export class Faults {
  readonly #log: Log;
  readonly #kept = new Set<Kept>();
  readonly #seed: number;
  #isSeedTold = false;

  /**
   * Takes the log for faults.
   *
   * @param seed The seed of random decisions; a new one if nothing is given.
   */
  constructor(log: Log, seed?: number) {
    this.#log = log;
    this.#seed = seed ?? crypto.getRandomValues(new Uint32Array(1))[0];
  }

  /** The subtest of the calling code, if any: faults end with it. */
  get scope(): number | undefined {
    return this.#log.currentSubtest?.id;
  }

  /**
   * A source of random numbers, which depends on the run's seed and its name.
   */
  random(name: string): Random {
    let source: Random | undefined;
    return () => (source ??= this.#begin(name))();
  }

  #begin(name: string): Random {
    if (!this.#isSeedTold) {
      this.#isSeedTold = true;
      this.#log.info(
        `random decisions about links follow the seed ${this.#seed}; ` +
          `--seed ${this.#seed} repeats them`,
      );
    }
    return random(`${this.#seed} ${name}`);
  }

  /** Begins a fault. */
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

  /** Heals the faults of a subtest, the last first. */
  async endScope(subtest: number): Promise<void> {
    await this.#heal([...this.#kept].filter(({ scope }) => scope === subtest));
  }

  /** Heals all faults, the last first. */
  async healAll(): Promise<void> {
    await this.#heal([...this.#kept]);
  }

  /** Ends all faults, when the machines end by themselves. */
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
