import { ownDirectory } from "../../backend/mod.ts";
import type {
  Driver,
  Fork,
  MachineOf,
  Snapshot,
  Vlan,
} from "../../driver/mod.ts";
import { UsageError } from "../../errors.ts";
import { gives } from "../../machine/mod.ts";
import { Doors } from "./doors.ts";
import { QmpEvents } from "./qmp_events.ts";
import type { StateLinks } from "./state_links.ts";

/** How a request names a machine: by its name, and the number of its fork. */
export interface MachineOfRequest {
  readonly machine: string;
  readonly fork?: number;
}

/** The objects of the driver that Python names by names and numbers. */
export class CrossedObjects implements Disposable {
  readonly #driver: Driver;
  readonly #links: StateLinks;
  readonly #directory: string;
  readonly #machines = new Map<string, MachineOf>();
  readonly #events = new Map<MachineOf, QmpEvents>();
  readonly #doors = new Map<MachineOf, Doors>();
  readonly #snapshots = new Map<number, Snapshot>();
  readonly #forks = new Map<number, Fork>();
  readonly #listening: Disposable;

  /**
   * Takes the driver, the links to the machines' directories, and a directory
   * for sockets.
   */
  constructor(driver: Driver, links: StateLinks, directory: string) {
    this.#driver = driver;
    this.#links = links;
    this.#directory = directory;
    for (const machine of driver.machines) this.add(machine);
    this.#listening = driver.log.addListener({
      on: (event) => {
        // An event of a machine may mean a new QMP session.
        if (event.type !== "message" || event.machine === undefined) return;
        const machine = this.#machines.get(event.machine);
        if (machine !== undefined) this.#events.get(machine)?.listen();
      },
    });
  }

  /** Adds a machine of the driver. */
  add(machine: MachineOf): void {
    this.#machines.set(machine.name, machine);
    // Scripts may put files there before the machine starts.
    ownDirectory(machine.stateDir);
    this.#links.add(machine);
    this.#listen(machine);
  }

  /** Adds a fork and its machines. */
  addFork(fork: Fork): void {
    this.#forks.set(fork.number, fork);
    for (const machine of fork.machines) this.#listen(machine);
  }

  /** Adds a snapshot. */
  addSnapshot(snapshot: Snapshot): void {
    this.#snapshots.set(snapshot.id, snapshot);
  }

  /** The machine of a request. */
  machine(request: MachineOfRequest): MachineOf {
    const { fork } = request;
    const machine = fork === undefined
      ? this.#machines.get(request.machine)
      : this.#forks.get(fork)?.machines.find(({ name }) =>
        name === request.machine
      );
    if (machine !== undefined) return machine;
    throw new TypeError(`Python asked for machine ${request.machine}`);
  }

  /** The machine of a request that not every machine can fulfil: it says so. */
  able(request: MachineOfRequest): MachineOf<"qemu"> {
    return this.machine(request) as MachineOf<"qemu">;
  }

  /** The QMP events of a request's machine. */
  eventsOf(request: MachineOfRequest): QmpEvents {
    return this.#events.get(this.machine(request))!;
  }

  /** The doors of a request's machine. */
  doorsOf(request: MachineOfRequest): Doors {
    const machine = this.able(request);
    let found = this.#doors.get(machine);
    if (found === undefined) {
      found = new Doors(machine, this.#driver.log, {
        directory: this.#directory,
        number: this.#doors.size,
      });
      this.#doors.set(machine, found);
    }
    return found;
  }

  /** A network by its number: that of a fork, if its machine is asked. */
  vlan(nr: number, fork?: number): Vlan {
    const vlan = this.owner(fork).vlans.find((vlan) => vlan.nr === nr);
    if (vlan !== undefined) return vlan;
    throw new TypeError(`Python asked for VLAN ${nr}`);
  }

  /** The fork of a number, or the driver. */
  owner(fork: number | undefined): Driver | Fork {
    return fork === undefined ? this.#driver : this.#forks.get(fork)!;
  }

  /**
   * The snapshot of a number.
   *
   * @throws {UsageError} if it has ended.
   */
  snapshot(number: number): Snapshot {
    const found = this.#snapshots.get(number);
    if (found !== undefined) return found;
    throw new UsageError("Expected a snapshot that has not been disposed of");
  }

  /** Ends a snapshot. */
  async endSnapshot(number: number): Promise<void> {
    await this.snapshot(number)[Symbol.asyncDispose]();
    this.#snapshots.delete(number);
  }

  /** The fork of a number, if it has not ended. */
  fork(number: number): Fork | undefined {
    return this.#forks.get(number);
  }

  /** Ends a fork, if it has not ended. */
  async endFork(number: number): Promise<void> {
    const fork = this.#forks.get(number);
    if (fork === undefined) return;
    this.#forks.delete(number);
    for (const machine of fork.machines) {
      this.#doors.get(machine)?.[Symbol.dispose]();
      this.#doors.delete(machine);
      this.#events.get(machine)?.[Symbol.dispose]();
      this.#events.delete(machine);
    }
    await fork[Symbol.asyncDispose]();
  }

  /** Lets go of the machines. */
  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    for (const doors of this.#doors.values()) doors[Symbol.dispose]();
    this.#doors.clear();
    for (const events of this.#events.values()) events[Symbol.dispose]();
    this.#events.clear();
    this.#machines.clear();
  }

  #listen(machine: MachineOf): void {
    if (!gives(machine, "qmp")) return;
    this.#events.set(machine, new QmpEvents(machine as MachineOf<"qemu">));
  }
}
