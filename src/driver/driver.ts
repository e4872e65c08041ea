import {
  type Backend,
  type BackendName,
  kinds,
  makeBackend,
  Supervisor,
  type Taps,
} from "../backend/mod.ts";
import { fileName, requireShortName } from "../machine/file_name.ts";
import {
  Faults,
  type MachineContext,
  MachineCore,
  type MachineOptions,
  offerSnakeCase,
} from "../machine/mod.ts";
import { baseName } from "../paths.ts";
import {
  ExpectedError,
  MachineError,
  SubtestFailures,
  UsageError,
} from "../errors.ts";
import { describeError, Log, TerminalListener } from "../report/mod.ts";
import {
  addCaller,
  authorPositions,
  showPosition,
} from "../report/positions.ts";
import { after, checkTimeout, delay, rejection } from "../time/mod.ts";
import { bindings } from "./bindings.ts";
import {
  Conditions,
  makeCondition,
  type PollingCondition,
} from "./conditions.ts";
import type { MachineConfiguration } from "./configuration.ts";
import {
  makeOutDirectory,
  makeRunDirectories,
  type RunDirectories,
} from "./directories.ts";
import { ForkBudget } from "./fork_budget.ts";
import { identifier } from "./identifier.ts";
import {
  type BackendOf,
  linkedAmong,
  type MachineOf,
  makers,
} from "./kinds.ts";
import { nameOf } from "./machine_name.ts";
import type { ForkPlace, Member, SnapshotHost } from "./machine_set.ts";
import { retry, type RetryOptions } from "./retry.ts";
import {
  type Fork,
  originalsOf,
  Snapshot,
  type SnapshotOptions,
  takeSnapshot,
} from "./snapshot.ts";
import { StandIns } from "./stand_ins.ts";
import { TapNetwork } from "./tap_network.ts";
import { startVhostVsock, type VhostVsock } from "./vhost_vsock.ts";
import { captureVlan, type OpenCapture, startVlan, type Vlan } from "./vlan.ts";

/** Lets a test's author stop a script and look around. */
export interface Debug {
  /**
   * Stops the script here, if a person can look at it, until that person lets
   * it go on.
   *
   * @param names More names for the prompt, such as the script's own variables.
   */
  breakpoint(names?: Record<string, unknown>): Promise<void>;
  /**
   * Stops a script that has failed, before the run goes on with the failure. It
   * is there if the command line asks for such stops.
   *
   * @param error The script's error.
   */
  failed?(error: unknown): Promise<void>;
}

/** Options of a driver. */
export interface DriverOptions<
  Given extends string | MachineConfiguration = string | MachineConfiguration,
> {
  /** The machines, as configurations or as start scripts. */
  machines?: readonly Given[];
  /** The numbers of the VLANs. */
  vlans?: number[];
  /**
   * The directory for logs, screenshots and copied files, which is made if it
   * is missing; if nothing is given, a new temporary directory.
   */
  outDir?: string;
  /**
   * The log; if nothing is given, one that shows everything on the terminal.
   */
  log?: Log;
  /**
   * Whether the driver reports to the log how {@linkcode Driver.runTests}
   * ended, or that the driver could not be made. If not, its maker has to call
   * {@linkcode Log.runEnded}.
   *
   * @default {true}
   */
  tellEnd?: boolean;
  /**
   * Whether the machines' state directories outlive the run.
   *
   * @default {false}
   */
  keepState?: boolean;
  /**
   * Seconds that {@linkcode Driver.runTests} may take; no limit if nothing is
   * given.
   */
  globalTimeout?: number;
  /** The test script that {@linkcode Driver.testScript} runs. */
  testScript?: (driver: Driver<BackendOf<Given>>) => Promise<void>;
  /** Ends the run with the signal's reason. */
  signal?: AbortSignal;
  /**
   * The object `debug` of test scripts; if nothing is given, breakpoints do
   * nothing.
   */
  debug?: Debug;
  /**
   * Console text after which a guest whose shell does not answer is dead. If it
   * is empty, no guest is dead before it ends.
   *
   * @default {deathPatterns}
   */
  deadPatterns?: RegExp[];
  /**
   * Whether the driver gives each virtual machine a virtual socket that leads
   * to its ssh. The start scripts must not add one, and must share the guests'
   * memory. Without `vhost-device-vsock` on PATH, the driver warns and makes no
   * socket.
   *
   * @default {false}
   */
  sshBackdoor?: boolean;
  /**
   * The seed of random decisions about links, a number from 0 up; if nothing is
   * given, a new one, which the log shows.
   */
  seed?: number;
  /**
   * Whether to write all frames of each VLAN to `vlan<number>.pcapng` in the
   * output directory: `always`, or kept only if {@linkcode Driver.runTests}
   * does not pass (`failed`); never, if nothing is given.
   */
  capture?: "always" | "failed";
  /** How many forks subtests may have at a time. */
  forks?: {
    /**
     * Bytes of memory for the guests of all forks; the free memory, less a
     * reserve, if nothing is given.
     */
    memory?: number;
    /**
     * How many forks at once; the number of the host's processors if nothing is
     * given.
     */
    forks?: number;
  };
  /**
   * Whether to take snapshots again that earlier runs have kept.
   *
   * @default {false}
   */
  fresh?: boolean;
  /**
   * Whether the test goes on after a failed subtest. Then {@linkcode
   * Driver.testScript} and {@linkcode Driver.runTests} fail at the end.
   *
   * @default {false}
   */
  keepGoing?: boolean;
  /**
   * Called for each failed subtest after which the test goes on, before it
   * does: the machines are still as the subtest left them.
   */
  onSubtestFailure?: (
    failure: { readonly name: string; readonly error: unknown },
  ) => Promise<void>;
}

/** Options of {@linkcode Driver.subtest}. */
export interface SubtestOptions {
  /**
   * Whether the test goes on if the subtest fails; the driver's option if
   * nothing is given.
   */
  keepGoing?: boolean;
  /**
   * A snapshot, of which the subtest gets a fork of its own; if nothing is
   * given, it runs on the machines of the test.
   */
  from?: Snapshot;
  /**
   * Whether the guests' clocks stay at the time of the snapshot in a fork;
   * otherwise they get the host's time.
   *
   * @default {false}
   */
  keepClock?: boolean;
  /**
   * Whether the machines of a fork share no memory with other forks. This takes
   * longer, and `limitMemory()` needs it.
   *
   * @default {false}
   */
  ownMemory?: boolean;
}

/** When the frames of all VLANs are kept. */
export type CaptureMode = "always" | "failed";

/** The first number for a guest. The hypervisor and the host have 0 to 2. */
const FIRST_CID = 3;

/** The whole test took longer than it may. */
export class GlobalTimeout extends ExpectedError {
  /** Takes the timeout in seconds. */
  constructor(seconds: number) {
    super(`The test took longer than its global timeout of ${seconds} seconds`);
    this.name = "GlobalTimeout";
  }
}

/**
 * The machines of a run and the networks between them. When a driver is
 * disposed, and even when its process is killed, nothing of them remains.
 *
 * @example
 * ```ts
 * await using driver = await Driver.create({ machines: ["./run-web-vm"] });
 * const [web] = driver.machines;
 * await web.waitForUnit("nginx");
 * await web.succeed("curl -sf http://localhost/");
 * ```
 */
export class Driver<Backends extends BackendName = BackendName>
  implements AsyncDisposable {
  /** The machines, virtual ones and containers, sorted by name. */
  readonly machines: MachineOf<Backends>[] = [];
  /** The networks. */
  readonly vlans: Vlan[] = [];
  /** The log. */
  readonly log: Log;
  /** The directory for logs, screenshots and copied files. */
  readonly outDir: string;
  /** Lets a test's author stop the script. */
  readonly debug: Debug;
  /** Seconds that {@linkcode runTests} may take. */
  readonly globalTimeout?: number;
  readonly #options: DriverOptions;
  readonly #supervisor: Supervisor;
  readonly #backends = new Map<BackendName, Backend>();
  readonly #directories: RunDirectories;
  readonly #abort = new AbortController();
  readonly #conditions: Conditions;
  readonly #ownLog: boolean;
  /** All machines, also those that the test has made. */
  readonly #made = new Map<string, MachineOf>();
  readonly #members = new Map<MachineOf, Member>();
  readonly #host: SnapshotHost;
  readonly #standIns: StandIns;
  /** The names that machines have taken, for which there was a warning. */
  readonly #hidden = new Set<string>();
  readonly #faults: Faults;
  readonly #taps: TapNetwork;
  readonly #captures: OpenCapture[] = [];
  #hasPassed = false;
  readonly #vsocks = new Map<string, VhostVsock>();
  #cancelTimeout = () => {};
  #failures: { readonly name: string; readonly error: unknown }[] = [];
  #disposed?: Promise<void>;

  private constructor(
    options: DriverOptions,
    supervisor: Supervisor,
    directories: RunDirectories,
    outDir: string,
  ) {
    this.#options = options;
    this.#supervisor = supervisor;
    this.#directories = directories;
    this.outDir = outDir;
    this.globalTimeout = options.globalTimeout;
    this.debug = options.debug ?? { breakpoint: () => Promise.resolve() };
    this.#ownLog = options.log === undefined;
    this.log = options.log ?? new Log([new TerminalListener()]);
    this.#conditions = new Conditions(this.log, this.#abort.signal);
    this.#faults = new Faults(this.log, options.seed);
    this.#host = this.#makeHost();
    this.#taps = new TapNetwork(supervisor, () => this.vlans);
    this.#standIns = new StandIns(this.log);
    const { signal } = options;
    if (signal?.aborted) this.abort(signal.reason);
    signal?.addEventListener("abort", () => this.abort(signal.reason), {
      signal: this.signal,
    });
  }

  /**
   * Makes a driver: starts the networks, but no machine.
   *
   * @throws {UsageError} if two machines have the same name, or would have the
   * same names of files or identifiers, if a name is too long for files, if a
   * VLAN's number or a timeout is not valid, or if the output directory can't
   * be made.
   * @throws {MachineError} if a network can't be started.
   */
  static async create<
    const Given extends string | MachineConfiguration = string,
  >(
    options: DriverOptions<Given> = {},
  ): Promise<Driver<BackendOf<Given>>> {
    const vlans = [...new Set(options.vlans ?? [])];
    for (const nr of vlans) {
      if (Number.isInteger(nr) && nr >= 0) continue;
      throw new UsageError(`Expected VLAN numbers of 0 and more, got ${nr}`);
    }
    checkTimeout(options.globalTimeout);
    const outDir = await makeOutDirectory(options.outDir);
    const supervisor = new Supervisor();
    let driver: Driver<BackendOf<Given>> | undefined;
    try {
      const directories = makeRunDirectories(
        options.keepState ?? false,
        supervisor,
      );
      driver = new Driver<BackendOf<Given>>(
        options,
        supervisor,
        directories,
        outDir,
      );
      for (const machine of options.machines ?? []) {
        const { startCommand, ...rest }: MachineConfiguration =
          typeof machine === "string" ? { startCommand: machine } : machine;
        const made = driver.#make(startCommand, rest);
        for (const { name } of driver.machines) {
          if (identifier(name) !== identifier(made.name)) continue;
          throw new UsageError(
            `Expected machines that scripts can tell apart, got "${name}" and ` +
              `"${made.name}", which are both ${identifier(name)} there`,
          );
        }
        driver.machines.push(made as MachineOf<BackendOf<Given>>);
      }
      driver.machines.sort((a, b) =>
        a.name < b.name ? -1 : a.name > b.name ? 1 : 0
      );
      await driver.#startVlans(vlans);
      if (options.sshBackdoor) await driver.#openBackdoors();
      return driver;
    } catch (error) {
      await driver?.[Symbol.asyncDispose]();
      await supervisor[Symbol.asyncDispose]();
      if (options.tellEnd !== false) options.log?.runEnded("failed", error);
      throw error;
    }
  }

  #startVlan(
    nr: number,
    directory: string,
    machines: () => readonly MachineOf[],
  ): Promise<Vlan> {
    return startVlan(nr, directory, this.#supervisor, {
      faults: this.#faults,
      outDir: this.outDir,
      machines: () => linkedAmong(machines()),
      tellOfFile: (path) => this.log.attachment(baseName(path), { path }),
    });
  }

  async #startVlans(numbers: number[]): Promise<void> {
    if (numbers.length === 0) return;
    await this.log.nested("start all VLans", async () => {
      const starting = Promise.allSettled(
        numbers.map((nr) =>
          this.#startVlan(
            nr,
            this.#directories.sockets,
            () => this.machinesMade,
          )
        ),
      );
      const started = await Promise.race([starting, rejection(this.signal)]);
      for (const result of started) {
        if (result.status === "fulfilled") this.vlans.push(result.value);
      }
      for (const result of started) {
        if (result.status === "rejected") throw result.reason;
      }
      if (this.#options.capture !== undefined) {
        for (const vlan of this.vlans) {
          this.#captures.push(await captureVlan(vlan));
        }
      }
      const isHost = this.machines.some(({ backend }) =>
        kinds[backend].plugsIntoHost
      );
      if (isHost) await this.#offerVlans();
    });
  }

  /**
   * Makes the VLANs accessible to containers: without this, only QEMU finds
   * them.
   */
  async #offerVlans(): Promise<void> {
    for (const vlan of this.vlans) {
      try {
        await vlan.plugIntoHost();
      } catch (error) {
        if (!(error instanceof MachineError)) throw error;
        this.log.warning(error.message);
      }
    }
  }

  async #openBackdoors(): Promise<void> {
    const takers = this.machines.filter(({ backend }) =>
      kinds[backend].takesVsock
    );
    const opening = takers.map(async ({ name }, index) => {
      this.#vsocks.set(
        name,
        await startVhostVsock(
          FIRST_CID + index,
          this.#directories.root,
          this.#supervisor,
        ),
      );
    });
    const complaints = new Set<string>();
    for (const result of await Promise.allSettled(opening)) {
      if (result.status === "fulfilled") continue;
      if (!(result.reason instanceof MachineError)) throw result.reason;
      complaints.add(result.reason.message);
    }
    for (const complaint of complaints) {
      this.log.warning(`there is no ssh backdoor: ${complaint}`);
    }
  }

  /** The virtual sockets that lead to the machines' ssh, by machine. */
  get vhostVsock(): ReadonlyMap<
    string,
    {
      /** The UNIX socket that QEMU connects to. */
      readonly guest: string;
      /** The UNIX socket that leads to the guest: `ssh vsock-mux/<path>`. */
      readonly host: string;
    }
  > {
    return this.#vsocks;
  }

  /** Whether the machines' state directories outlive the run. */
  get keepState(): boolean {
    return this.#options.keepState ?? false;
  }

  /** All machines, also those that the test has made. */
  get machinesMade(): MachineOf[] {
    return [...this.#made.values()];
  }

  /** The machines that QEMU runs. */
  get machinesQemu(): MachineOf<"qemu">[] {
    return this.#of("qemu");
  }

  /** The machines that are containers. */
  get machinesNspawn(): MachineOf<"nspawn">[] {
    return this.#of("nspawn");
  }

  #of<Name extends BackendName>(name: Name): MachineOf<Name>[] {
    const machines: readonly MachineOf[] = this.machines;
    return machines.filter((machine): machine is MachineOf & MachineOf<Name> =>
      machine.backend === name
    );
  }

  /** Aborted when the run ends by its global timeout or from outside. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Ends the run with `reason`. */
  abort(reason: unknown): void {
    this.#abort.abort(reason);
  }

  /**
   * Ends all actions and waits of machines that are under way, with `reason`.
   * The machines themselves go on, and so do later actions.
   */
  interrupt(reason: unknown): void {
    this.#conditions.interrupt(reason);
  }

  /**
   * Runs `fn`. When the signal is aborted, all further actions of `fn` on
   * machines fail with the signal's reason. Other code is not affected.
   */
  within<T>(signal: AbortSignal, fn: () => T): T {
    return this.#conditions.within(signal, fn);
  }

  /** Starts all machines at the same time, without waiting for their boots. */
  startAll(): Promise<void> {
    return this.log.nested(
      "start all VMs",
      async () => {
        await Promise.all(this.machines.map((machine) => machine.start()));
      },
      {},
      "boot",
    );
  }

  /** Waits until all machines have ended by themselves. */
  joinAll(): Promise<void> {
    return this.log.nested("wait for all VMs to finish", async () => {
      await Promise.all(
        this.machines.map((machine) => machine.waitForShutdown()),
      );
      this.#cancelTimeout();
    });
  }

  /**
   * Makes one more machine, which ends with the driver.
   *
   * @param startCommand A start script's path, or a command line.
   * @param options What else there is to say of the machine.
   * @param options.keepState Whether the machine uses the state directory of an
   * earlier run again. Default: false.
   * @throws {UsageError} if the driver or a running machine has this name
   * already, if the files of another machine would have the same names, or if
   * the name is too long for files.
   */
  createMachine<
    const Command extends string,
    const Name extends BackendName = BackendOf<Command>,
  >(
    startCommand: Command,
    options: Omit<MachineConfiguration, "startCommand" | "backend"> & {
      backend?: Name;
      keepState?: boolean;
    } = {},
  ): MachineOf<Name> {
    const machine = this.#make(startCommand, options);
    if (this.#options.sshBackdoor && kinds[machine.backend].takesVsock) {
      this.log.warning(
        `${machine.name} has no ssh backdoor: only machines that the driver ` +
          "begins with get one",
        { machine: machine.name },
      );
    }
    return machine as MachineOf<Name>;
  }

  #make(
    startCommand: string,
    options: Omit<MachineConfiguration, "startCommand"> & {
      keepState?: boolean;
    },
  ): MachineOf {
    const { name, backend } = nameOf({ ...options, startCommand });
    this.#makeRoom(name);
    const stateDir = this.#directories.state(name, options.keepState);
    const member = this.#member(
      {
        startCommand,
        name,
        allowReboot: options.allowReboot,
        fastForward: options.fastForward,
        stateDir,
      },
      backend,
      {
        sharedDir: this.#directories.shared,
        vlans: this.vlans,
        taps: this.#taps,
      },
      this.#vsocks,
    );
    this.#made.set(name, member.machine);
    this.#members.set(member.machine, member);
    return member.machine;
  }

  /** What the driver lends to its snapshots. */
  #makeHost(): SnapshotHost {
    let forks = 0;
    let last: Promise<unknown> = Promise.resolve();
    return {
      log: this.log,
      supervisor: this.#supervisor,
      directory: this.#directories.sockets,
      forks: new Set(),
      budget: new ForkBudget(this.#options.forks),
      fresh: this.#options.fresh ?? false,
      signal: this.signal,
      nextFork: () => ++forks,
      startVlan: async (nr, { number, directory }, machines) => {
        const vlan = await this.#startVlan(nr, directory, machines);
        if (this.#options.capture !== undefined) {
          this.#captures.push(await captureVlan(vlan, `vlan${nr}~${number}`));
        }
        return vlan;
      },
      makeLike: ({ core, backend }, place) =>
        this.#member(
          {
            startCommand: core.startCommand.text,
            name: core.name,
            stateDir: place.stateDir,
          },
          backend,
          place,
        ),
      alone: (fn) => {
        const done = last.then(fn);
        last = done.catch(() => {});
        return done;
      },
    };
  }

  #member(
    options: MachineOptions,
    backend: BackendName,
    place: Pick<ForkPlace, "sharedDir" | "vlans"> & {
      label?: string;
      taps?: Taps;
    },
    vsocks?: ReadonlyMap<string, VhostVsock>,
  ): Member {
    const { vlans } = place;
    const context: MachineContext = {
      log: this.log,
      backend: this.#backend(backend),
      demandStart: () => this.#conditions.throwIfAborted(),
      outDir: this.outDir,
      label: place.label,
      sharedDir: place.sharedDir,
      // The networks may start after the machine is made.
      get env() {
        return Object.fromEntries(
          vlans.map((vlan) => [
            `QEMU_VDE_SOCKET_${vlan.nr}`,
            vlan.socketDir,
          ]),
        );
      },
      taps: place.taps,
      get vsock() {
        return vsocks?.get(options.name);
      },
      faults: this.#faults,
      deadPatterns: this.#options.deadPatterns,
      watch: (fn) => this.#conditions.watch(fn),
      used: () => {
        // A condition is about the machines that its author had in mind.
        if (this.#conditions.isInCheck) return;
        this.#standIns.note(core.label);
      },
    };
    const core = new MachineCore(options, context);
    return { core, machine: makers[backend](core), backend };
  }

  #backend(name: BackendName): Backend {
    let backend = this.#backends.get(name);
    if (backend === undefined) {
      backend = makeBackend(name, this.#supervisor);
      this.#backends.set(name, backend);
    }
    return backend;
  }

  /**
   * Makes sure that no other machine has this name, or files with the same
   * names.
   *
   * @throws {UsageError} if another machine has them, or if the name is too
   * long.
   */
  #makeRoom(name: string): void {
    requireShortName(name);
    for (const other of this.#made.values()) {
      if (other.name !== name && fileName(other.name) === fileName(name)) {
        throw new UsageError(
          `Expected machines with files of their own, got "${other.name}" and ` +
            `"${name}", whose files are both named ${fileName(name)}`,
        );
      }
    }
    const other = this.#made.get(name);
    if (other === undefined) return;
    const machines: readonly MachineOf[] = this.machines;
    if (machines.includes(other) || other.booted) {
      throw new UsageError(
        `Expected machines with names of their own, got two named "${name}"`,
      );
    }
    // A script that runs again makes its machines again.
    this.#made.delete(name);
    other[Symbol.asyncDispose]().catch((error) =>
      this.log.error(`Error during cleanup: ${error}`)
    );
  }

  /**
   * Saves the state of all machines that run, or of some, at one moment: for
   * subtests that each begin there, on machines of their own, and to go back there.
   * The machines stand still for a moment and go on.
   *
   * @throws {MachineError} where one can't be saved, or none runs.
   */
  snapshot(options: SnapshotOptions = {}): Promise<Snapshot> {
    const members = [...this.#made.values()].map((machine) =>
      this.#members.get(machine)!
    );
    return takeSnapshot(
      this.#host,
      { members, vlans: this.vlans, isFork: false },
      options,
    );
  }

  /**
   * Runs `fn` as a part of the test with a name, which reports count as a test
   * case. What was broken on purpose in it is mended at its end.
   *
   * Where it fails and the test goes on, see `keepGoing`, it has no result:
   * `undefined`.
   */
  subtest<T>(name: string, fn: () => T | Promise<T>): Promise<T>;
  /** The same with options. */
  subtest<T>(
    name: string,
    options: SubtestOptions & {
      from?: undefined;
      keepClock?: undefined;
      ownMemory?: undefined;
    },
    fn: () => T | Promise<T>,
  ): Promise<T | undefined>;
  /**
   * The same on a fork of its own: whatever it does to the machines, others don't
   * see. Subtests that are started side by side run so, as far as there are memory
   * and processors for their forks.
   *
   * @param fn Gets the fork's machines by their names in scripts, and the fork.
   */
  subtest<T>(
    name: string,
    options: SubtestOptions & { from: Snapshot },
    fn: (machines: Fork["named"], fork: Fork) => T | Promise<T>,
  ): Promise<T>;
  async subtest<T>(
    name: string,
    ...rest:
      | [fn: () => T | Promise<T>]
      | [
        options: SubtestOptions,
        fn: (machines: Fork["named"], fork: Fork) => T | Promise<T>,
      ]
  ): Promise<T> {
    const { keepGoing, ...options } = typeof rest[0] === "function"
      ? {}
      : rest[0];
    const fn = (typeof rest[0] === "function" ? rest[0] : rest[1]!) as (
      machines?: Fork["named"],
      fork?: Fork,
    ) => T | Promise<T>;
    let goesOn = false;
    try {
      return await this.log.subtest(name, async () => {
        try {
          return "from" in options
            ? await this.#onFork(name, options, fn)
            : await fn();
        } catch (error) {
          goesOn = await this.goesOn({ name, error }, keepGoing);
          throw error;
        } finally {
          await this.healSubtest(this.log.currentSubtest?.id);
        }
      });
    } catch (error) {
      if (!goesOn) throw error;
      return undefined as T;
    }
  }

  /** The subtests of the script that failed, after which it went on. */
  get failures(): readonly {
    readonly name: string;
    readonly error: unknown;
  }[] {
    return this.#failures;
  }

  /**
   * Notes that a subtest failed, where the test goes on after it.
   *
   * @param keepGoing Whether it does; by default, as the driver was told.
   * @returns Whether it does.
   */
  async goesOn(
    failure: { readonly name: string; readonly error: unknown },
    keepGoing: boolean = this.#options.keepGoing ?? false,
  ): Promise<boolean> {
    if (!keepGoing || this.#isOver) return false;
    this.#failures.push(failure);
    await this.#options.onSubtestFailure?.(failure);
    return true;
  }

  async #onFork<T>(
    name: string,
    { from, ...options }: SubtestOptions,
    fn: (machines: Fork["named"], fork: Fork) => T | Promise<T>,
  ): Promise<T> {
    if (!(from instanceof Snapshot)) {
      throw new UsageError(
        `Expected a snapshot in the subtest's option "from", got ${
          Deno.inspect(from)
        }`,
      );
    }
    await using fork = await from.fork({ ...options, wait: true });
    return await this.#standIns.within(
      name,
      originalsOf(fork),
      () => fn(fork.named, fork),
    );
  }

  /** Mends what was broken on purpose in a subtest, by its number in the log. */
  async healSubtest(subtest: number | undefined): Promise<void> {
    if (subtest !== undefined) await this.#faults.endScope(subtest);
  }

  /** Mends all that was broken on purpose, in any machine. */
  heal(): Promise<void> {
    return this.#faults.healAll();
  }

  /**
   * Calls `fn` again and again until it returns `true`. The end of the run ends
   * this too.
   *
   * @throws {TestFailure} if the time passes first.
   */
  async retry(
    fn: (last: boolean) => boolean | Promise<boolean>,
    options: RetryOptions | number = {},
  ): Promise<void> {
    const given = typeof options === "number" ? { timeout: options } : options;
    const { signal: own } = given;
    try {
      await this.#conditions.interruptible((signal) =>
        retry(fn, {
          ...given,
          signal: own === undefined ? signal : AbortSignal.any([signal, own]),
        })
      );
    } catch (error) {
      if (error instanceof ExpectedError) addCaller(error, true);
      throw error;
    }
  }

  /**
   * Makes a polling condition, which a test can enter or wait for.
   *
   * @param fn The check. It returns `false`, or throws, if the condition does
   * not hold.
   * @param options.interval Seconds between two checks. Default: 2.
   * @param options.description What the condition means, for the log. Default:
   * the function's name.
   *
   * @example
   * ```ts
   * const alive = driver.pollingCondition(() => web.succeed("pgrep nginx"));
   * await alive.during(() => web.waitForConsoleText("all done"));
   * ```
   */
  pollingCondition(
    fn: () => unknown,
    options: { interval?: number; description?: string } = {},
  ): PollingCondition {
    return makeCondition(fn, options, this.#conditions);
  }

  /** Shows the machines' serial consoles on the terminal. */
  serialStdoutOn(): void {
    this.log.serialStdoutOn();
  }

  /** Hides the machines' serial consoles on the terminal. */
  serialStdoutOff(): void {
    this.log.serialStdoutOff();
  }

  /** Whether what the calling code asks for fails because its run is over. */
  get #isOver(): boolean {
    try {
      this.#conditions.throwIfAborted();
      return false;
    } catch {
      return true;
    }
  }

  /**
   * Fails where the test went on after subtests that failed.
   *
   * @throws What the subtest failed of; where several did,
   * {@linkcode SubtestFailures}.
   */
  throwFailures(): void {
    if (this.#failures.length === 0) return;
    if (this.#failures.length === 1) throw this.#failures[0].error;
    throw new SubtestFailures(
      this.#failures.map(({ name }) => name),
      this.#failures.map(({ error }) => error),
    );
  }

  /**
   * Runs the test script of the driver's options.
   *
   * @throws What it throws, or what its subtests failed of: where several did,
   * {@linkcode SubtestFailures}.
   */
  async testScript(): Promise<void> {
    const script = this.#options.testScript;
    if (script === undefined) {
      throw new UsageError("Expected a test script, the driver was given none");
    }
    await this.log.nested(
      "run the VM test script",
      async () => {
        this.#failures = [];
        try {
          await script(this);
          this.throwFailures();
        } finally {
          if (this.signal.aborted) await this.#faults.endAll();
          else await this.heal();
        }
      },
      {},
      "script",
    );
  }

  /**
   * Runs the test script with the global timeout, and reports the result to the
   * log.
   *
   * @throws {GlobalTimeout} if the timeout passes first.
   */
  async runTests(): Promise<void> {
    const seconds = this.globalTimeout;
    if (seconds !== undefined) {
      this.log.info(`Test will time out and terminate in ${seconds} seconds`);
      this.#cancelTimeout = after(
        seconds,
        () => this.abort(new GlobalTimeout(seconds)),
      );
    }
    try {
      await Promise.race([this.testScript(), rejection(this.signal)]);
      // Kept state must be on the disk.
      if (this.#options.keepState) {
        await Promise.all(
          this.machines.filter((machine) => machine.isUp())
            .map((machine) => machine.execute("sync")),
        );
      }
      this.#hasPassed = true;
      if (this.#options.tellEnd !== false) this.log.runEnded("passed");
    } catch (error) {
      if (this.#options.tellEnd !== false) await this.#tellFailure(error);
      throw error;
    } finally {
      this.#cancelTimeout();
    }
  }

  async #tellFailure(error: unknown): Promise<void> {
    // Steps that the signal ends add to the error where the script waits.
    if (this.signal.aborted) await delay(0);
    const [position] = authorPositions(error);
    const { name, message } = describeError(error);
    this.log.runEnded(
      error instanceof GlobalTimeout
        ? "timeout"
        : this.signal.aborted && error === this.signal.reason
        ? "interrupted"
        : "failed",
      error ?? String(error),
      position && `${showPosition(position)}\n${name}: ${message}`,
    );
  }

  /** The names that a test script sees, with their values. */
  bindings(): Record<string, unknown> {
    const own = {
      startAll: () => this.startAll(),
      joinAll: () => this.joinAll(),
      testScript: () => this.testScript(),
      runTests: () => this.runTests(),
      machines: this.machines,
      machinesQemu: this.machinesQemu,
      machinesNspawn: this.machinesNspawn,
      vlans: this.vlans,
      driver: this,
      log: this.log,
      createMachine: this.createMachine.bind(this),
      subtest: this.subtest.bind(this),
      snapshot: this.snapshot.bind(this),
      retry: this.retry.bind(this),
      serialStdoutOn: () => this.serialStdoutOn(),
      serialStdoutOff: () => this.serialStdoutOff(),
      pollingCondition: this.pollingCondition.bind(this),
      debug: this.debug,
    };
    return bindings(own, this.machines, this.vlans, (name) => {
      if (this.#hidden.has(name)) return;
      this.#hidden.add(name);
      this.log.warning(
        `in the script, ${name} is the machine of that name, and nothing else`,
      );
    });
  }

  /** Ends everything now, without waiting: for an emergency exit. */
  killNow(): void {
    this.#supervisor.killNow();
  }

  async #endCapture({ path, stop }: OpenCapture): Promise<void> {
    await stop();
    const isWanted = this.#options.capture === "always" || !this.#hasPassed ||
      this.signal.aborted;
    if (isWanted) this.log.attachment(baseName(path), { path });
    else await Deno.remove(path);
  }

  /**
   * Ends all machines and networks, and removes files that are not to be kept.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposed ??= this.#dispose();
  }

  async #dispose(): Promise<void> {
    this.#cancelTimeout();
    this.#conditions.clear();
    await this.#faults.endAll();
    await this.log.nested("cleanup", async () => {
      const ends = await Promise.allSettled([
        ...this.#captures.map((capture) => this.#endCapture(capture)),
        ...[...this.#host.forks].map((fork) => fork[Symbol.asyncDispose]()),
        ...[...this.#made.values()].map((machine) =>
          machine[Symbol.asyncDispose]()
        ),
        ...this.vlans.map((vlan) => vlan.stop()),
        ...[...this.#vsocks.values()].map((vsock) => vsock.stop()),
      ]);
      // The machines' TAPs are in there.
      ends.push(...await Promise.allSettled([this.#taps.stop()]));
      for (const end of ends) {
        if (end.status === "rejected") {
          this.log.error(`Error during cleanup: ${end.reason}`);
        }
      }
    });
    if (!this.signal.aborted) this.abort(new Error("The driver has ended"));
    await this.#supervisor[Symbol.asyncDispose]();
    if (this.#ownLog) await this.log.close();
  }
}

offerSnakeCase(Driver.prototype);
