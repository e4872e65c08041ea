import type { BackendName, Supervisor } from "../backend/mod.ts";
import type { MachineCore } from "../machine/mod.ts";
import type { Log } from "../report/mod.ts";
import type { ForkBudget } from "./fork_budget.ts";
import type { MachineOf } from "./kinds.ts";
import type { Vlan } from "./vlan.ts";

/** A machine, with what its author does not hold. */
export interface Member {
  /** What the author holds. */
  readonly machine: MachineOf;
  /** What that is made of. */
  readonly core: MachineCore;
  /** What runs it. */
  readonly backend: BackendName;
}

/** Machines that belong together, with their networks: a driver's, or a fork's. */
export interface MachineSet {
  /** The machines at this moment. */
  readonly members: readonly Member[];
  /** The networks. */
  readonly vlans: readonly Vlan[];
  /** Whether they are a fork's. */
  readonly isFork: boolean;
}

/** Where a machine of a fork is. */
export interface ForkPlace {
  /** What the log calls it. */
  readonly label: string;
  /** Its own directory. */
  readonly stateDir: string;
  /** The directory that the fork's machines share with the host. */
  readonly sharedDir: string;
  /** The fork's networks. */
  readonly vlans: readonly Vlan[];
}

/** What a driver lends to its snapshots. */
export interface SnapshotHost {
  /** Where everything is told. */
  readonly log: Log;
  /** Owns all processes and directories. */
  readonly supervisor: Supervisor;
  /** A directory for files that end with the run. */
  readonly directory: string;
  /** The forks that there are. */
  readonly forks: Set<AsyncDisposable>;
  /** How many forks subtests may have at a time. */
  readonly budget: ForkBudget;
  /** Whether kept snapshots of earlier runs are not used. */
  readonly fresh: boolean;
  /** Aborted when the run ends. */
  readonly signal: AbortSignal;
  /** The number of the next fork, from 1 up. */
  nextFork(): number;
  /** Starts a network of a fork. */
  startVlan(
    nr: number,
    directory: string,
    machines: () => readonly MachineOf[],
  ): Promise<Vlan>;
  /** Makes a machine like another, in another place. */
  makeLike(member: Member, place: ForkPlace): Member;
  /** Runs one after the other what must not happen at the same time. */
  alone<T>(fn: () => Promise<T>): Promise<T>;
}
