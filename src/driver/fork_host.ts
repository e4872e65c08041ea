import type { ForkBudget } from "./fork_budget.ts";
import type { MachineOf } from "./kinds.ts";
import type { MachineMaker } from "./machine_maker.ts";
import type { ForkPlace, Member, SnapshotHost } from "./machine_set.ts";
import type { RunNetworks } from "./run_networks.ts";
import type { Vlan } from "./vlan.ts";

/** The parts of a run that its snapshots only look at. */
type Lent = Pick<
  SnapshotHost,
  | "log"
  | "supervisor"
  | "directory"
  | "budget"
  | "fresh"
  | "signal"
  | "forksAhead"
  | "forksAlwaysAhead"
  | "aside"
>;

/** Gives a run's snapshots what they need, and holds their forks. */
export class ForkHost implements SnapshotHost {
  readonly log: Lent["log"];
  readonly supervisor: Lent["supervisor"];
  readonly directory: string;
  readonly budget: ForkBudget;
  readonly fresh: boolean;
  readonly signal: AbortSignal;
  readonly forks: Set<AsyncDisposable> = new Set();
  readonly forksAhead: Lent["forksAhead"];
  readonly forksAlwaysAhead: boolean;
  readonly aside: Lent["aside"];
  readonly #networks: RunNetworks;
  readonly #maker: MachineMaker;
  #forksMade = 0;
  readonly #forgotten: number[] = [];
  /** Settled when the last of the functions that run alone is done. */
  #last: Promise<unknown> = Promise.resolve();

  /** Takes the parts of the run, its networks, and what makes its machines. */
  constructor(lent: Lent, networks: RunNetworks, maker: MachineMaker) {
    this.log = lent.log;
    this.supervisor = lent.supervisor;
    this.directory = lent.directory;
    this.budget = lent.budget;
    this.fresh = lent.fresh;
    this.signal = lent.signal;
    this.forksAhead = lent.forksAhead;
    this.forksAlwaysAhead = lent.forksAlwaysAhead;
    this.aside = lent.aside;
    this.#networks = networks;
    this.#maker = maker;
  }

  nextFork(): number {
    return this.#forgotten.shift() ?? ++this.#forksMade;
  }

  forgetFork(number: number): void {
    this.#forgotten.push(number);
  }

  startVlan(
    nr: number,
    fork: { number: number; directory: string },
    machines: () => readonly MachineOf[],
  ): Promise<Vlan> {
    return this.#networks.startInFork(nr, fork, machines);
  }

  makeLike({ core, backend }: Member, place: ForkPlace): Member {
    return this.#maker.make(
      {
        startCommand: core.startCommand.text,
        name: core.name,
        stateDir: place.stateDir,
      },
      backend,
      place,
    );
  }

  alone<T>(fn: () => Promise<T>): Promise<T> {
    const done = this.#last.then(fn);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Ends all forks. Each promise is settled when one is gone. */
  endForks(): PromiseLike<void>[] {
    return [...this.forks].map((fork) => fork[Symbol.asyncDispose]());
  }
}
