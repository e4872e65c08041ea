import { type BackendName, Supervisor } from "../backend/mod.ts";
import { removeTree } from "../backend/remove_tree.ts";
import { ExpectedError, UsageError } from "../errors.ts";
import { Faults, offerSnakeCase } from "../machine/mod.ts";
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
import type { Debug } from "./debug.ts";
import {
  makeOutDirectory,
  makeRunDirectories,
  type RunDirectories,
} from "./directories.ts";
import { ForkBudget } from "./fork_budget.ts";
import { ForkHost } from "./fork_host.ts";
import { GlobalTimeout } from "./global_timeout.ts";
import { hasIdleProcessor } from "./idle_processor.ts";
import type { BackendOf, MachineOf } from "./kinds.ts";
import { MachineMaker } from "./machine_maker.ts";
import { retry, type RetryOptions } from "./retry.ts";
import { RunMachines } from "./run_machines.ts";
import { RunNetworks } from "./run_networks.ts";
import {
  type Fork,
  type Snapshot,
  type SnapshotOptions,
  takeSnapshot,
} from "./snapshot.ts";
import { SshBackdoors } from "./ssh_backdoors.ts";
import { StandIns } from "./stand_ins.ts";
import {
  type SubtestFunction,
  type SubtestOptions,
  Subtests,
} from "./subtests.ts";
import type { Vlan } from "./vlan.ts";

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
    /**
     * Whether to make up to two forks of a snapshot ahead, within these limits:
     * from its first fork on, before anybody asks for the next. Their guests
     * run until they are idle, for a second of processor time at most, and are
     * paused then, so that the next fork is there at once.
     *
     * If nothing is given, that is done while the host has an idle processor,
     * and the time between two forks is long enough to make one. If forks follow
     * each other faster, only one is made ahead, from the second on, and its
     * guests have not run yet.
     */
    ahead?: boolean;
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
  /**
   * Called for each subtest on a fork that failed, while the machines of the
   * fork are still as the subtest left them.
   */
  onForkFailure?: (
    machines: readonly MachineOf[],
    error: unknown,
  ) => Promise<void>;
}

/** The subtests of a driver's run: for the rooms that serve a test, not for its author. */
export let subtestsOf: (driver: Driver) => Subtests;

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
  readonly vlans: Vlan[];
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
  readonly #abort = new AbortController();
  readonly #conditions: Conditions;
  readonly #ownLog: boolean;
  readonly #faults: Faults;
  readonly #networks: RunNetworks;
  readonly #backdoors: SshBackdoors;
  readonly #made: RunMachines;
  readonly #forkHost: ForkHost;
  readonly #subtests: Subtests;
  /** The names that machines have taken, for which there was a warning. */
  readonly #hidden = new Set<string>();
  #hasPassed = false;
  #cancelTimeout = () => {};
  #disposed?: Promise<void>;

  static {
    subtestsOf = (driver) => driver.#subtests;
    offerSnakeCase(this.prototype);
  }

  private constructor(
    options: DriverOptions,
    supervisor: Supervisor,
    directories: RunDirectories,
    outDir: string,
  ) {
    this.#options = options;
    this.#supervisor = supervisor;
    this.outDir = outDir;
    this.globalTimeout = options.globalTimeout;
    this.debug = options.debug ?? { breakpoint: () => Promise.resolve() };
    this.#ownLog = options.log === undefined;
    const log = this.log = options.log ?? new Log([new TerminalListener()]);
    const { signal } = this;
    const conditions = this.#conditions = new Conditions(log, signal);
    const faults = this.#faults = new Faults(log, options.seed);
    const standIns = new StandIns(log);
    this.#networks = new RunNetworks(
      { log, supervisor, faults, outDir, signal },
      options.capture,
    );
    this.vlans = this.#networks.vlans;
    this.#backdoors = new SshBackdoors(log, supervisor);
    const maker = new MachineMaker({
      log,
      outDir,
      faults,
      deadPatterns: options.deadPatterns,
      supervisor,
      conditions,
      standIns,
    });
    this.#made = new RunMachines(log, maker, directories, {
      vlans: this.vlans,
      taps: this.#networks.taps,
      vsocks: this.#backdoors.sockets,
    });
    this.#forkHost = new ForkHost(
      {
        log,
        supervisor,
        directory: directories.sockets,
        budget: new ForkBudget(options.forks),
        fresh: options.fresh ?? false,
        signal,
        // A capture would show a fork that nobody has asked for.
        forksAhead: (begun) =>
          options.capture === undefined &&
          (options.forks?.ahead ?? hasIdleProcessor(begun)),
        forksAlwaysAhead: options.forks?.ahead ?? false,
        aside: (fn) => conditions.checking(fn),
      },
      this.#networks,
      maker,
    );
    this.#subtests = new Subtests({
      log,
      faults,
      standIns,
      conditions,
      keepGoing: options.keepGoing ?? false,
      onFailure: options.onSubtestFailure,
      onForkFailure: options.onForkFailure,
    });
    const outer = options.signal;
    if (outer?.aborted) this.abort(outer.reason);
    outer?.addEventListener("abort", () => this.abort(outer.reason), {
      signal,
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
      driver.machines.push(
        ...driver.#made.begin(options.machines ?? []) as MachineOf<
          BackendOf<Given>
        >[],
      );
      const { machines } = driver;
      await driver.#networks.start(
        vlans,
        directories.sockets,
        () => driver!.machinesMade,
      );
      if (options.sshBackdoor) {
        await driver.#backdoors.open(machines, directories.root);
      }
      return driver;
    } catch (error) {
      await driver?.[Symbol.asyncDispose]();
      await supervisor[Symbol.asyncDispose]();
      // Nobody would learn of a directory that was made for this driver.
      if (options.outDir === undefined) removeTree(outDir);
      if (options.tellEnd !== false) options.log?.runEnded("failed", error);
      throw error;
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
    return this.#backdoors.sockets;
  }

  /** Whether the machines' state directories outlive the run. */
  get keepState(): boolean {
    return this.#options.keepState ?? false;
  }

  /** All machines, also those that the test has made. */
  get machinesMade(): MachineOf[] {
    return this.#made.all;
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
   * @param options Further options.
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
    const machine = this.#made.make(startCommand, options);
    if (this.#options.sshBackdoor) this.#backdoors.warnOfNone(machine);
    return machine as MachineOf<Name>;
  }

  /**
   * Saves the state of all running machines, or of some, at one moment: for
   * subtests that each begin there, on machines of their own, and to return
   * there. The machines pause for a moment.
   *
   * @throws {MachineError} if a machine can't be saved, or none runs.
   */
  snapshot(options: SnapshotOptions = {}): Promise<Snapshot<Backends>> {
    return takeSnapshot(
      this.#forkHost,
      { members: this.#made.members, vlans: this.vlans, isFork: false },
      options,
    ) as Promise<Snapshot<Backends>>;
  }

  /**
   * Runs `fn` as a part of the test with a name, which reports count as a test
   * case. Faults that it has set end with it.
   *
   * If it fails and the test goes on (see `keepGoing`), the result is
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
   * The same on a fork of its own: the other machines are not affected.
   * Subtests that are started together run side by side, as far as memory and
   * processors for their forks allow.
   *
   * @param fn Gets the fork's machines by their names in scripts, and the fork.
   */
  subtest<T>(
    name: string,
    options: SubtestOptions & { from: Snapshot<Backends> },
    fn: (
      machines: Fork<Backends>["named"],
      fork: Fork<Backends>,
    ) => T | Promise<T>,
  ): Promise<T>;
  subtest<T>(
    name: string,
    ...rest:
      | [fn: () => T | Promise<T>]
      | [options: SubtestOptions, fn: SubtestFunction<T, Backends>]
  ): Promise<T | undefined> {
    return typeof rest[0] === "function"
      ? this.#subtests.run(name, {}, rest[0])
      : this.#subtests.run(name, rest[0], rest[1] as SubtestFunction<T>);
  }

  /** The subtests of the script that failed, after which it went on. */
  get failures(): readonly {
    readonly name: string;
    readonly error: unknown;
  }[] {
    return this.#subtests.failures;
  }

  /** Ends all faults of all machines. */
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

  /**
   * Runs the test script of the driver's options.
   *
   * @throws What the script throws, or the error of a failed subtest; if
   * several failed, {@linkcode SubtestFailures}.
   */
  async testScript(): Promise<void> {
    const script = this.#options.testScript;
    if (script === undefined) {
      throw new UsageError(
        "Expected a driver with a testScript, got one without",
      );
    }
    await this.log.nested(
      "run the VM test script",
      async () => {
        this.#subtests.forget();
        try {
          await script(this);
          this.#subtests.throwFailures();
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
        `in the script, ${name} is the machine, and hides the driver's ${name}`,
      );
    });
  }

  /** Ends everything now, without waiting: for an emergency exit. */
  killNow(): void {
    this.#supervisor.killNow();
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
      const isFailed = !this.#hasPassed || this.signal.aborted;
      const ends = await Promise.allSettled([
        ...this.#networks.endCaptures(isFailed),
        ...this.#forkHost.endForks(),
        ...this.#made.end(),
        ...this.#networks.end(),
        ...this.#backdoors.end(),
      ]);
      // The machines' TAPs are in there.
      ends.push(...await Promise.allSettled([this.#networks.taps.stop()]));
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
