import type { BackendName } from "../backend/mod.ts";
import { removeTree } from "../backend/remove_tree.ts";
import { MachineError, UsageError } from "../errors.ts";
import { fileName } from "../machine/file_name.ts";
import {
  type MachineCore,
  MachineSaver,
  renew,
  renewAhead,
  type RenewalOptions,
  type SavedMachine,
} from "../machine/mod.ts";
import { identifier } from "./identifier.ts";
import { type Ahead, ForkPace } from "./fork_pace.ts";
import { findKept, keepSnapshot, lockKept } from "./kept_snapshots.ts";
import type { MachineOf } from "./kinds.ts";
import type { MachineSet, Member, SnapshotHost } from "./machine_set.ts";
import { all, type SavedTogether, saveTogether } from "./save_together.ts";
import { makeSpareFork, type SpareFork } from "./spare_fork.ts";
import { Spares } from "./spares.ts";
import { TapNetwork } from "./tap_network.ts";
import type { Vlan } from "./vlan.ts";

/** Options of a snapshot. */
export interface SnapshotOptions {
  /** Its name in reports. */
  name?: string;
  /** The machines; all running machines if nothing is given. */
  machines?: readonly { readonly name: string }[];
  /**
   * Whether later runs of the same machines use this snapshot, as long as
   * nothing has changed on which it depends. Then the machines are restored
   * from it, and `prepare` is not called. Without `prepare`, a kept snapshot is
   * used only while no machine runs. This needs a `name`, and all machines of a
   * driver.
   *
   * @default {false}
   */
  keep?: boolean;
  /** Prepares the machines for the snapshot, for example boots them. */
  prepare?: () => void | Promise<void>;
}

/** A machine of a snapshot. */
interface Held extends SavedTogether {
  readonly member: Member;
}

/** How machines go on from a snapshot. */
interface GoingOn extends RenewalOptions {
  readonly ownMemory?: boolean;
}

/** Takes a {@linkcode Snapshot}; only a driver and a fork do. */
export let takeSnapshot: (
  host: SnapshotHost,
  set: MachineSet,
  options: SnapshotOptions,
) => Promise<Snapshot>;

/**
 * The state of machines at one moment: memory, devices, disks, networks, and
 * the driver's own state of them. It ends with the run.
 *
 * @example
 * ```ts
 * await startAll();
 * await server.waitForUnit("postgresql.service");
 * const ready = await snapshot();
 * await Promise.all([
 *   subtest("a table is dropped", { from: ready }, async ({ server }) => {
 *     await server.succeed("dropdb shop");
 *   }),
 *   subtest("the disk is full", { from: ready }, async ({ server }) => {
 *     await server.succeed("fallocate -l 1G /var/fill || true");
 *   }),
 * ]);
 * ```
 */
export class Snapshot<Backends extends BackendName = BackendName>
  implements AsyncDisposable {
  /** The snapshot's number in the events of the run. */
  readonly id: number;
  /** Its name in reports. */
  readonly name?: string;
  readonly #host: SnapshotHost;
  readonly #set: MachineSet;
  #held: readonly Held[];
  readonly #directory: string;
  readonly #abort = new AbortController();
  /** Settled when the saved state is laid out for forks. */
  #laidOut: Promise<unknown> = Promise.resolve();
  readonly #forks = new Set<Fork>();
  readonly #pace = new ForkPace();
  readonly #spares: Spares<SpareFork<Fork>>;
  #isDisposed = false;
  #isRemoved = false;

  static {
    takeSnapshot = (...given) => Snapshot.#take(...given);
  }

  private constructor(
    host: SnapshotHost,
    set: MachineSet,
    held: readonly Held[],
    directory: string,
    id: number,
    name?: string,
  ) {
    this.#host = host;
    this.#set = set;
    this.#held = held;
    this.#directory = directory;
    this.id = id;
    this.name = name;
    this.#spares = new Spares({
      budget: host.budget,
      memory: this.memory,
      canMake: (begun, waiting) => this.#canMakeSpare(begun, waiting),
      make: () => this.#makeSpare(),
    });
  }

  static async #take(
    host: SnapshotHost,
    set: MachineSet,
    { name, machines, keep, prepare }: SnapshotOptions,
  ): Promise<Snapshot> {
    if (keep) {
      if (name === undefined || machines !== undefined || set.isFork) {
        throw new UsageError(
          "Expected a name for the kept snapshot, and all machines of the " +
            "driver in it",
        );
      }
      const isOpen = prepare !== undefined ||
        !set.members.some(({ core }) => core.booted);
      const find = async () =>
        host.fresh || !isOpen
          ? undefined
          : await Snapshot.#findKept(host, set, name);
      const found = await find();
      if (found !== undefined) return found;
      let hasWaited = false;
      using _lock = await lockKept(name, commandsOf(set), {
        signal: host.signal,
        onWait() {
          hasWaited = true;
          host.log.info(
            `waiting for another run that takes the snapshot "${name}"`,
          );
        },
      });
      const others = hasWaited ? await find() : undefined;
      return others ??
        await Snapshot.#takeNow(host, set, { name, keep, prepare });
    }
    return await Snapshot.#takeNow(host, set, { name, machines, prepare });
  }

  static async #takeNow(
    host: SnapshotHost,
    set: MachineSet,
    { name, machines, keep, prepare }: SnapshotOptions,
  ): Promise<Snapshot> {
    await prepare?.();
    const members = machines === undefined
      ? set.members.filter(({ core }) => core.booted)
      : machines.map((machine) => memberOf(set, machine));
    if (members.length === 0) {
      throw new MachineError(
        "snapshot() needs a machine that runs, and none does",
      );
    }
    const labels = members.map(({ core }) => core.label);
    return await host.log.nested(
      `taking a snapshot of ${labels.join(", ")}`,
      () =>
        host.alone(async () => {
          const snapshot = await Snapshot.#save(host, set, members, name);
          if (keep) await snapshot.#keep(name!);
          return snapshot;
        }),
    );
  }

  async #keep(name: string): Promise<void> {
    await this.#laidOut;
    await keepSnapshot(
      name,
      this.#held.map(({ member, saved, rivalry }) => ({
        saved,
        rivalry,
        startCommand: member.core.startCommand.text,
      })),
      commandsOf(this.#set),
      this.#host.directory,
    );
  }

  /** Brings machines to where an earlier run has kept them, if one has. */
  static async #findKept(
    host: SnapshotHost,
    set: MachineSet,
    name: string,
  ): Promise<Snapshot | undefined> {
    const found = await findKept(name, commandsOf(set));
    if (found === undefined) return undefined;
    const told = (why: string) =>
      host.log.info(`the kept snapshot "${name}" is not used: ${why}`);
    if ("stale" in found) return void told(found.stale);
    const held: Held[] = [];
    for (const { saved, rivalry } of found.machines) {
      const member = set.members.find(({ core }) => core.name === saved.name);
      if (member === undefined) {
        return void told(
          `it has a machine ${saved.name}, and this run has none`,
        );
      }
      held.push({ member, saved, rivalry });
    }
    const directory = host.supervisor.makeDirectory(
      host.directory,
      "snapshot-",
    );
    const labels = held.map(({ member }) => member.core.label);
    const id = host.log.snapshotTaken(labels, 0, name);
    const snapshot = new Snapshot(host, set, held, directory, id, name);
    try {
      await snapshot.restore();
      return snapshot;
    } catch (error) {
      await snapshot[Symbol.asyncDispose]();
      if (!(error instanceof MachineError)) throw error;
      return void told(error.message);
    }
  }

  static async #save(
    host: SnapshotHost,
    set: MachineSet,
    members: readonly Member[],
    name?: string,
  ): Promise<Snapshot> {
    const savers = members.map(({ core }) =>
      new MachineSaver(core, "snapshot()")
    );
    const directory = host.supervisor.makeDirectory(
      host.directory,
      "snapshot-",
    );
    let machines: readonly SavedTogether[], stood: number;
    try {
      ({ machines, stood } = await saveTogether(savers, directory));
    } catch (error) {
      removeTree(directory);
      host.supervisor.disown(directory);
      throw error;
    }
    const labels = members.map(({ core }) => core.label);
    const snapshot = new Snapshot(
      host,
      set,
      machines.map((machine, index) => ({
        ...machine,
        member: members[index],
      })),
      directory,
      host.log.snapshotTaken(labels, stood, name),
      name,
    );
    snapshot.#laidOut = snapshot.#layOut(savers);
    return snapshot;
  }

  /** Lays out the saved state while the machines go on. */
  async #layOut(savers: readonly MachineSaver[]): Promise<void> {
    const signal = AbortSignal.any([this.#abort.signal, this.#host.signal]);
    this.#held = await all(
      this.#held.map(async (held, index) => ({
        ...held,
        saved: await savers[index].layOut(held.saved, signal),
      })),
    );
  }

  /** The names of its machines. */
  get machines(): string[] {
    return this.#held.map(({ saved }) => saved.name);
  }

  /** Bytes of memory of its guests. */
  get memory(): number {
    return this.#held.reduce((sum, { saved }) => sum + saved.memory, 0);
  }

  /**
   * Takes the machines back to the snapshot, in place. Their present state is
   * lost, and all pending actions on them fail.
   *
   * @param options.keepClock Whether the guests' clocks stay at the time of the
   * snapshot. Otherwise they get the host's time. Default: false.
   * @param options.ownMemory Whether the guests share no memory with others that
   * go on from the snapshot. This takes longer, and `limitMemory()` needs it.
   * Default: false.
   * @throws {MachineError} if a machine can't go on from the snapshot.
   */
  async restore(
    options: { keepClock?: boolean; ownMemory?: boolean } = {},
  ): Promise<void> {
    this.#demandHere();
    const labels = this.#held.map(({ member }) => member.core.label);
    await this.#host.log.nested(
      `bringing ${labels.join(", ")} back to a snapshot`,
      () =>
        this.#host.alone(async () => {
          this.#demandRoom();
          const members = this.#held.map(({ member }) => member);
          await all(members.map(({ core }) => core.release()));
          await this.#load(members, options);
          await this.#goOn(
            members,
            (core, saved) => renew(core, saved, options),
          );
        }),
    );
    this.#host.log.snapshotRestored(this.id, labels);
  }

  /**
   * Starts new machines from the snapshot, beside the original ones. They have
   * the same names, but their own networks and directories; the directory that
   * they share with the host is empty at first. Machines that did not run at
   * the snapshot are there too, but not started.
   *
   * @param options.keepClock Whether the guests' clocks stay at the time of the
   * snapshot. Otherwise they get the host's time. Default: false.
   * @param options.ownMemory Whether the guests share no memory with others that
   * go on from the snapshot. This takes longer, and `limitMemory()` needs it.
   * Default: false.
   * @param options.wait Whether to wait until the host has memory and
   * processors for the fork, as the forks of subtests do. Default: false.
   * @returns The fork. Its machines end when it is disposed.
   * @throws {MachineError} if a machine can't go on from the snapshot.
   */
  async fork(
    options: { keepClock?: boolean; ownMemory?: boolean; wait?: boolean } = {},
  ): Promise<Fork<Backends>> {
    this.#demandHere();
    const { budget, signal } = this.#host;
    const made = this.#pace.begin();
    const taken = options.ownMemory ? undefined : await this.#spares.take();
    if (taken !== undefined && !options.wait) taken.room[Symbol.dispose]();
    const room = options.wait
      ? taken?.room ?? await budget.take(this.memory, signal)
      : undefined;
    try {
      const number = taken?.spare.number ?? this.#host.nextFork();
      const fork = await this.#host.log.nested(
        `forking ${this.machines.join(", ")} (fork ${number})`,
        async () =>
          await taken?.spare.wake(options, room) ??
            await this.#fork(number, options, room),
      );
      made(taken !== undefined);
      this.#spares.replenish();
      return fork as Fork<Backends>;
    } catch (error) {
      room?.[Symbol.dispose]();
      throw error;
    }
  }

  /** How far a fork is to be made before anybody asks for it. */
  get #ahead(): Ahead | undefined {
    return this.#host.forksAlwaysAhead ? "renewed" : this.#pace.worth;
  }

  #canMakeSpare(begun: number, waiting: number): boolean {
    // A second one might better be renewed, too, if forks become rarer.
    const isWanted = this.#ahead === "renewed" ||
      this.#ahead === "loaded" && waiting === 0;
    return isWanted && this.#host.forksAhead(begun) &&
      !this.#host.signal.aborted &&
      this.#held.every(({ member, rivalry }) =>
        rivalry === undefined &&
        member.core.context.backend.kind.connectionsOutlivePause
      );
  }

  /** Begins to make a fork that nobody has asked for yet. */
  #makeSpare(): SpareFork<Fork> {
    const fork = this.#newFork(this.#host.nextFork());
    const isRenewed = this.#ahead === "renewed";
    return makeSpareFork({
      host: this.#host,
      fork,
      equip: () => this.#equip(fork),
      load: (members, hurry) =>
        isRenewed ? this.#renewAhead(members, hurry) : this.#loadAhead(members),
      begin: (room) => this.#begin(fork, room),
    });
  }

  /** Loads machines that don't run; answers how they go on. */
  async #loadAhead(
    members: readonly Member[],
  ): Promise<(options: RenewalOptions) => Promise<void>> {
    await this.#load(members);
    return async (options) => {
      await this.#goOn(
        members,
        (core, saved) => renew(core, saved, options),
      );
    };
  }

  /**
   * Loads machines that don't run, renews their guests, and pauses them; answers
   * how they go on.
   */
  async #renewAhead(
    members: readonly Member[],
    hurry: AbortSignal,
  ): Promise<(options: RenewalOptions) => Promise<void>> {
    await this.#load(members);
    const finish = await this.#goOn(
      members,
      (core, saved) => renewAhead(core, saved, hurry),
    );
    const savers = members.map(({ core }) => new MachineSaver(core, "fork()"));
    await all(savers.map((saver) => saver.hold()));
    await all(savers.map((saver) => saver.pause()));
    return async (options) => {
      await all(savers.map((saver) => saver.go()));
      await all(finish.map((one) => one(options)));
    };
  }

  async #fork(
    number: number,
    options: GoingOn,
    room?: Disposable,
  ): Promise<Fork> {
    this.#demandRoom({ beside: true });
    const fork = this.#newFork(number);
    try {
      const members = await this.#equip(fork);
      this.#begin(fork, room);
      await this.#load(members, options);
      await this.#goOn(
        members,
        (core, saved) => renew(core, saved, options),
      );
      return fork;
    } catch (error) {
      await fork[Symbol.asyncDispose]();
      throw error;
    }
  }

  #newFork(number: number): Fork {
    const fork = makeFork(this.#host, number, (gone) => {
      this.#forks.delete(gone);
      this.#removeUnused();
    });
    this.#forks.add(fork);
    return fork;
  }

  /**
   * Gives a fork its machines and networks.
   *
   * @returns The machines that are to go on from here, which don't run yet.
   */
  async #equip(fork: Fork): Promise<Member[]> {
    const host = this.#host, { number } = fork;
    const directory = directoryOf(fork);
    const vlans = await all(
      this.#set.vlans.map(({ nr }) =>
        host.startVlan(nr, { number, directory }, () => fork.machines)
      ),
    );
    const taps = new TapNetwork(host.supervisor, () => vlans);
    const sharedDir = `${directory}/shared-xchg`;
    Deno.mkdirSync(sharedDir, { mode: 0o700 });
    const members = this.#set.members.map((member) =>
      host.makeLike(member, {
        label: `${member.core.name}~${number}`,
        stateDir: `${directory}/vm-state-${fileName(member.core.name)}`,
        sharedDir,
        vlans,
        taps,
      })
    );
    equip(fork, { members, vlans, taps, isFork: true });
    return this.#held.map(({ member }) =>
      members[this.#set.members.indexOf(member)]
    );
  }

  /** Reports a fork, which its author owns from now on. */
  #begin(fork: Fork, room?: Disposable): void {
    this.#host.forks.add(fork);
    const originals = this.#set.members.map(({ core }) => core.label);
    begin(fork, this.id, originals, room);
  }

  /** Restores machines that don't run to this snapshot; they stay paused. */
  async #load(
    members: readonly Member[],
    { ownMemory = false }: GoingOn = {},
  ): Promise<void> {
    await this.#laidOut;
    await this.#allOrNone(
      members,
      ({ core }, saved) =>
        core.resume(
          ownMemory
            ? { ...saved, guest: { ...saved.guest, mapped: undefined } }
            : saved,
        ),
    );
  }

  /** Resumes all machines at the same moment, and renews their guests. */
  async #goOn<Renewed>(
    members: readonly Member[],
    renewed: (core: MachineCore, saved: SavedMachine) => Promise<Renewed>,
  ): Promise<Renewed[]> {
    await this.#allOrNone(members, ({ core }) => core.go());
    return await this.#allOrNone(
      members,
      ({ core }, saved) => renewed(core, saved),
    );
  }

  /** Takes a step with all machines. If one of them fails, all of them end. */
  async #allOrNone<T>(
    members: readonly Member[],
    step: (member: Member, saved: SavedMachine) => Promise<T>,
  ): Promise<T[]> {
    try {
      return await all(
        members.map((member, index) => step(member, this.#held[index].saved)),
      );
    } catch (error) {
      // A fork with only some of its machines is useless.
      await Promise.all(members.map(({ core }) => core.release()));
      throw error;
    }
  }

  #demandHere(): void {
    if (!this.#isDisposed) return;
    throw new UsageError("Expected a snapshot that has not been disposed of");
  }

  /**
   * @throws {MachineError} if another machine uses something that only one can
   * have.
   */
  #demandRoom({ beside = false } = {}): void {
    for (const { member, rivalry } of this.#held) {
      if (rivalry === undefined) continue;
      const isTaken = beside && member.core.booted ||
        [...this.#forks].some((fork) =>
          fork.machines.some(({ name, booted }) =>
            name === member.core.name && booted
          )
        );
      if (!isTaken) continue;
      throw new MachineError(
        `${member.core.name} and a copy of it can't run at the same time: ${rivalry}`,
      );
    }
  }

  #removeUnused(): void {
    const isUsed = !this.#isDisposed || this.#forks.size > 0;
    if (isUsed || this.#isRemoved) return;
    this.#isRemoved = true;
    removeTree(this.#directory);
    this.#host.supervisor.disown(this.#directory);
  }

  /** Removes its files, once none of its forks needs them. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#abort.abort();
    await this.#spares[Symbol.asyncDispose]();
    await this.#laidOut;
    this.#removeUnused();
  }
}

/** Makes a {@linkcode Fork} with its parts. */
let makeFork: (
  host: SnapshotHost,
  number: number,
  onGone: (fork: Fork) => void,
) => Fork;
let directoryOf: (fork: Fork) => string;
let equip: (fork: Fork, set: MachineSet) => void;
let begin: (
  fork: Fork,
  snapshot: number,
  originals: readonly string[],
  room?: Disposable,
) => void;

/** The labels of the machines that those of a fork were made of. */
export let originalsOf: (fork: Fork) => readonly string[];

/**
 * The new machines that have started from a snapshot, beside the original ones.
 */
export class Fork<Backends extends BackendName = BackendName>
  implements AsyncDisposable {
  /** The fork's number, which the log shows after the machines' names. */
  readonly number: number;
  readonly #host: SnapshotHost;
  readonly #directory: string;
  readonly #onGone: (fork: Fork) => void;
  #set: MachineSet = { members: [], vlans: [], isFork: true };
  #originals: readonly string[] = [];
  #id?: number;
  #room?: Disposable;
  #disposed?: Promise<void>;

  static {
    makeFork = (...given) => new Fork(...given);
    directoryOf = (fork) => fork.#directory;
    equip = (fork, set) => void (fork.#set = set);
    begin = (fork, ...given) => fork.#begin(...given);
    originalsOf = (fork) => fork.#originals;
  }

  private constructor(
    host: SnapshotHost,
    number: number,
    onGone: (fork: Fork) => void,
  ) {
    this.#host = host;
    this.number = number;
    this.#directory = host.supervisor.makeDirectory(host.directory, "fork-");
    this.#onGone = onGone;
  }

  #begin(
    snapshot: number,
    originals: readonly string[],
    room?: Disposable,
  ): void {
    this.#originals = originals;
    this.#room = room;
    this.#id = this.#host.log.nextId();
    this.#host.log.forkBegan(
      this.#id,
      snapshot,
      this.#set.members.map(({ core }, index) => ({
        name: core.label,
        parent: originals[index],
      })),
    );
  }

  /** The machines, by name. */
  get machines(): MachineOf<Backends>[] {
    return this.#set.members.map(({ machine }) =>
      machine as MachineOf<Backends>
    );
  }

  /** The machines, by their names in scripts. */
  get named(): Record<string, MachineOf<Backends>> {
    return Object.fromEntries(
      this.machines.map((machine) => [identifier(machine.name), machine]),
    );
  }

  /** The networks between them. */
  get vlans(): readonly Vlan[] {
    return this.#set.vlans;
  }

  /** Takes a snapshot of these machines. */
  snapshot(options: SnapshotOptions = {}): Promise<Snapshot<Backends>> {
    return takeSnapshot(this.#host, this.#set, options) as Promise<
      Snapshot<Backends>
    >;
  }

  /** Ends the machines, and removes their files. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposed ??= this.#dispose();
  }

  async #dispose(): Promise<void> {
    try {
      await all([
        ...this.machines.map((machine) => machine[Symbol.asyncDispose]()),
        ...this.vlans.map((vlan) => vlan.stop()),
      ]);
    } finally {
      // The machines' TAPs are in there.
      await this.#set.taps?.stop();
      removeTree(this.#directory);
      this.#host.supervisor.disown(this.#directory);
      this.#host.forks.delete(this);
      this.#room?.[Symbol.dispose]();
      if (this.#id !== undefined) this.#host.log.forkEnded(this.#id);
      this.#onGone(this);
    }
  }
}

function commandsOf(set: MachineSet): string[] {
  return set.members.map(({ core }) => core.startCommand.text);
}

function memberOf(set: MachineSet, machine: { readonly name: string }): Member {
  const member = set.members.find((member) => member.machine === machine);
  if (member !== undefined) return member;
  throw new UsageError(
    `Expected machines that the snapshot's driver or fork has, got ${machine.name}`,
  );
}
