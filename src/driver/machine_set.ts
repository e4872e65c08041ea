import type { BackendName, Supervisor } from "../backend/mod.ts";
import type { MachineCore } from "../machine/mod.ts";
import type { Log } from "../report/mod.ts";
import type { ForkBudget } from "./fork_budget.ts";
import type { MachineOf } from "./kinds.ts";
import type { TapNetwork } from "./tap_network.ts";
import type { Vlan } from "./vlan.ts";

/** A machine with its internal parts. */
export interface Member {
  /** The machine that the author uses. */
  readonly machine: MachineOf;
  /** Its core. */
  readonly core: MachineCore;
  /** Its backend. */
  readonly backend: BackendName;
}

/** The machines and networks of a driver or a fork. */
export interface MachineSet {
  /** The present machines. */
  readonly members: readonly Member[];
  /** The networks. */
  readonly vlans: readonly Vlan[];
  /** What connects microVMs to them; nothing if the driver's does. */
  readonly taps?: TapNetwork;
  /** Whether they are a fork's. */
  readonly isFork: boolean;
}

/** The place of a fork's machine. */
export interface ForkPlace {
  /** Its name in the log. */
  readonly label: string;
  /** Its own directory. */
  readonly stateDir: string;
  /** The directory that the fork's machines share with the host. */
  readonly sharedDir: string;
  /** The fork's networks. */
  readonly vlans: readonly Vlan[];
  /** What connects microVMs to them. */
  readonly taps: TapNetwork;
}

/** The parts of a driver that its snapshots use. */
export interface SnapshotHost {
  /** The log. */
  readonly log: Log;
  /** Owns all processes and directories. */
  readonly supervisor: Supervisor;
  /** A directory for files that end with the run. */
  readonly directory: string;
  /** The present forks. */
  readonly forks: Set<AsyncDisposable>;
  /** The limits for the forks of subtests. */
  readonly budget: ForkBudget;
  /** Whether kept snapshots of earlier runs are not used. */
  readonly fresh: boolean;
  /** Aborted when the run ends. */
  readonly signal: AbortSignal;
  /**
   * Whether one more fork may be made before anybody asks for it.
   *
   * @param begun How many were begun so a moment before.
   */
  forksAhead(begun: number): boolean;
  /** Whether forks are made ahead as far as they can be, whatever their pace. */
  readonly forksAlwaysAhead: boolean;
  /** The number of the next fork, from 1 up. */
  nextFork(): number;
  /** Gives the number of a fork that nobody has seen to a later one. */
  forgetFork(number: number): void;
  /** Starts a network of a fork, by the fork's number. */
  startVlan(
    nr: number,
    fork: { number: number; directory: string },
    machines: () => readonly MachineOf[],
  ): Promise<Vlan>;
  /** Makes a copy of a machine, in another place. */
  makeLike(member: Member, place: ForkPlace): Member;
  /** Runs a function that has nothing to do with what the script does meanwhile. */
  aside<T>(fn: () => T): T;
  /** Runs functions one after the other that must not run at the same time. */
  alone<T>(fn: () => Promise<T>): Promise<T>;
}
