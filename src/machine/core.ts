import { absolute, baseName } from "../paths.ts";
import {
  type Capabilities,
  type Guest,
  type GuestListener,
  ownDirectory,
  type SavedGuest,
  StartCommand,
} from "../backend/mod.ts";
import {
  type GuestDied,
  type SavedConsole,
  SerialConsole,
} from "../console/mod.ts";
import { QmpEventQueue } from "../qmp/mod.ts";
import { MachineError, TestFailure, UsageError } from "../errors.ts";
import type { Attributes, Log, RunEvents } from "../report/mod.ts";
import { lacking } from "./capabilities.ts";
import { type SavedShell, Shell, shellQuote } from "../shell/mod.ts";
import { after, orAbort, within } from "../time/mod.ts";
import { Boot, type BootOptions } from "./boot.ts";
import { Breakage } from "./breakage.ts";
import type { MachineContext } from "./context.ts";
import { DeathWatch } from "./death_watch.ts";
import type { Faults } from "./faults.ts";
import { fileName } from "./file_name.ts";
import { MachineLinks } from "./links/machine_links.ts";
import { commandLineOf } from "./command_line.ts";
import { efiVarsPath } from "./paths.ts";
import { ShellHints } from "./shell_hints.ts";
import {
  type CommandOptions,
  type CommandResult,
  GuestCommands,
} from "./commands/guest_commands.ts";
import { SerialMarks } from "./commands/serial_marks.ts";

/** Seconds that the shell of a machine that goes on has to answer. */
const ANSWER_TIMEOUT = 120;

/** What a machine is made of. */
export interface MachineOptions extends BootOptions {
  /** A start script's path, or a command line. */
  startCommand: string;
  /** The name. */
  name: string;
  /** The machine's own directory. */
  stateDir: string;
}

/**
 * A machine's state at one moment, from which it, or one like it, can go on.
 */
export interface SavedCore {
  /** Its guest. */
  readonly guest: SavedGuest;
  /** The way for commands; nothing if a new connection is made. */
  readonly shell?: SavedShell;
  /** What its serial console had said. */
  readonly console: SavedConsole;
  /** How it was started. */
  readonly started: BootOptions;
}

/**
 * The parts that all methods of a machine share: its life, the channels to its
 * guest, its steps in the log, and its failures.
 */
export class MachineCore {
  readonly name: string;
  /** What the log calls the machine: of a fork, its name and the fork's number. */
  readonly label: string;
  startCommand: StartCommand;
  readonly console: SerialConsole;
  readonly context: MachineContext;
  /** How it is started by default. */
  readonly #usual: Required<BootOptions>;
  readonly #deathWatch: DeathWatch;
  readonly #serialListeners = new Set<(bytes: Uint8Array) => void>();
  readonly #marks = new SerialMarks();
  /** The links that the test uses. */
  readonly links: MachineLinks;
  readonly #commands: GuestCommands;
  readonly #breakage: Breakage;
  #stateDir: string;
  #boot?: Boot;
  /** How the processes of earlier starts have ended. */
  readonly #statuses = new Map<number, Deno.CommandStatus>();
  #starting?: Promise<void>;
  /** Ends a start that is under way. */
  #stopStart?: AbortController;
  #ended?: Promise<string>;
  #connecting?: Promise<void>;
  /**
   * The QMP events, until the next start even those of a guest that has ended.
   */
  #qmpEvents?: QmpEventQueue;

  constructor(options: MachineOptions, context: MachineContext) {
    this.startCommand = new StartCommand(options.startCommand);
    this.name = options.name;
    this.label = context.label ?? options.name;
    this.#stateDir = options.stateDir;
    const { allowReboot = false, fastForward = false } = options;
    this.#usual = { allowReboot, fastForward };
    this.context = context;
    this.console = new SerialConsole({
      machine: this.label,
      path: `${context.outDir}/${fileName(this.label)}.log`,
      log: context.log,
      dead: context.deadPatterns,
    });
    this.#breakage = new Breakage(this.name, this.console);
    this.#commands = new GuestCommands(this, this.#marks);
    this.links = this.#makeLinks();
    this.#deathWatch = new DeathWatch(
      this.console,
      () => this.shell,
      () => this.#boot?.guest.isPaused?.(),
      (death) => this.#handOver(death),
    );
    this.console.onDeath((error) => {
      const [text] = error.message.split("\n", 1);
      this.log.mark("death", { machine: this.label, text });
      this.shell?.lose(error.message, error);
    });
  }

  get log(): Log {
    return this.context.log;
  }

  /** The attributes of the machine's events in the log. */
  get attributes(): Attributes {
    return { machine: this.label };
  }

  get stateDir(): string {
    return this.#stateDir;
  }

  /** @throws {UsageError} if the machine runs. */
  set stateDir(directory: string) {
    if (typeof directory !== "string" || directory === "") {
      throw new UsageError(
        `Expected the path of a directory for the state of ${this.name}, ` +
          `got ${Deno.inspect(directory)}`,
      );
    }
    if (this.isOn) {
      throw new UsageError(
        `the state directory of ${this.name} can't be changed while it runs`,
      );
    }
    this.#stateDir = absolute(directory);
  }

  get booted(): boolean {
    return this.#boot !== undefined;
  }

  get connected(): boolean {
    return this.shell?.connected ?? false;
  }

  get pid(): number | undefined {
    return this.#boot?.guest.pid;
  }

  /** Seconds that the guest took to ready its shell; 0 before. */
  get pace(): number {
    return this.shell?.pace ?? 0;
  }

  /** How the process of a start has ended; nothing if it still runs. */
  exitStatus(pid: number): Deno.CommandStatus | undefined {
    return this.#statuses.get(pid);
  }

  /**
   * Gets something that the hypervisor gives the guest.
   *
   * @param method The method that needs it, as scripts write it:
   * `screenshot()`.
   * @throws {MachineError} if the machine is not running, or if its hypervisor
   * does not give this.
   */
  capability<Name extends keyof Capabilities>(
    name: Name,
    method: string,
  ): NonNullable<Capabilities[Name]> {
    const { guest } = this.running();
    const given = guest[name];
    if (given === undefined) throw lacking(this, method, name);
    return given;
  }

  /** The machine's hypervisor, in the words of messages. */
  get hypervisor(): string {
    return this.context.backend.kind.hypervisor;
  }

  /** The log's word for the guest. */
  get #noun(): string {
    return this.context.backend.kind.guestNoun;
  }

  /** @throws {MachineError} if the machine is not running. */
  running(): Boot {
    if (this.#boot !== undefined) return this.#boot;
    throw new MachineError(`${this.name} is not running`);
  }

  /**
   * @throws {UsageError} if the guest may not reboot.
   * @throws {MachineError} if the machine is not running.
   */
  requireReboot(): void {
    if (this.running().mayReboot) return;
    throw new UsageError(
      `${this.name} can't reboot, because a reset ends it: start it by ` +
        "start({ allowReboot: true }), in Python by start(allow_reboot=True)",
    );
  }

  /** The guest's shell; nothing if the machine is not running. */
  get shell(): Shell | undefined {
    return this.#boot?.shell;
  }

  /**
   * The QMP events of the guest, or of the last one if none runs; nothing if its
   * hypervisor has none.
   */
  get qmpEvents(): QmpEventQueue | undefined {
    return this.#qmpEvents;
  }

  start(options: BootOptions = {}): Promise<void> {
    if (this.#boot !== undefined) return Promise.resolve();
    return this.#starting ??= this.#start(options).finally(() => {
      this.#starting = undefined;
    });
  }

  /**
   * Restores the machine, which does not run, to its saved state. It stays
   * paused until {@linkcode go}.
   */
  resume(saved: SavedCore): Promise<void> {
    return this.#starting ??= this.#start(saved.started, saved).finally(
      () => {
        this.#starting = undefined;
      },
    );
  }

  /** Resumes a machine that was restored to its saved state. */
  async go(): Promise<void> {
    await this.capability("snapshots", "restore()").go();
  }

  /**
   * Connects to the shell of a machine that has been resumed.
   *
   * @throws {MachineError} if the shell does not answer.
   */
  async takeUp(): Promise<void> {
    const { shell } = this.running();
    const taken = this.guarded(() => shell.connect()).then(() => true);
    if (await within(ANSWER_TIMEOUT, taken)) return;
    throw new MachineError(
      `${this.name} can't go on from the snapshot: its shell has not answered ` +
        `in ${ANSWER_TIMEOUT} seconds`,
    );
  }

  async #start(options: BootOptions, saved?: SavedCore): Promise<void> {
    const how = this.#howStarted(options);
    this.context.demandStart();
    if (saved === undefined) {
      this.log.info(`starting ${this.#noun.toLowerCase()}`, this.attributes);
    }
    ownDirectory(this.stateDir);
    this.console.reset(saved?.console);
    // The guest is filled in when it runs. Nobody reads it before.
    const late: { boot?: Boot } = {};
    const guest = await this.#startGuest(how, this.#listener(late), saved);
    const boot = new Boot(guest, this.#openShell(guest, saved), how);
    late.boot = this.#boot = boot;
    this.#qmpEvents = guest.qmp && new QmpEventQueue(guest.qmp);
    this.#ended = this.#awaitEnd(boot);
    this.#tellStart(guest);
    // A fault of a network outlives each of its machines.
    await this.links.settle();
  }

  /** @throws {UsageError} if the hypervisor can't start a machine so. */
  #howStarted(options: BootOptions): Required<BootOptions> {
    const { kind } = this.context.backend;
    const {
      allowReboot = this.#usual.allowReboot,
      fastForward = this.#usual.fastForward,
    } = options;
    if (fastForward && !kind.fastForwards) {
      throw new UsageError(
        `fastForward needs a clock that the hypervisor controls, which ` +
          `${this.hypervisor} does not give ${this.name}`,
      );
    }
    if (options.allowReboot && !kind.reboots) {
      throw new UsageError(
        `allowReboot needs a hypervisor that goes on after a reset, but ` +
          `${this.hypervisor}, which runs ${this.name}, ends`,
      );
    }
    return { allowReboot, fastForward };
  }

  #listener(late: { readonly boot?: Boot }): GuestListener {
    const hear = (bytes: Uint8Array) => {
      this.console.feed(bytes);
      for (const listener of this.#serialListeners) listener(bytes);
    };
    return {
      serial: (bytes) => hear(this.#marks.strip(bytes)),
      serialEnd: () => {
        hear(this.#marks.reset());
        this.#deathWatch.conclude();
        this.console.end();
      },
      complaint: (line) => this.log.warning(line, this.attributes),
      portClosed: (name) => late.boot?.shell.portClosed(name),
      reset: () => {
        this.log.mark("reset", this.attributes);
        this.#deathWatch.conclude();
        this.console.live();
        late.boot?.wasReset(`${this.name} was reset`);
      },
      panicked: () => this.#deathWatch.panicked(),
      stoppedForGood: (why) => this.#deathWatch.stoppedForGood(why),
    };
  }

  #startGuest(
    how: Required<BootOptions>,
    listener: GuestListener,
    saved?: SavedCore,
  ): Promise<Guest> {
    const { backend, env, sharedDir, vsock, taps } = this.context;
    const { signal } = this.#stopStart = new AbortController();
    return backend.start({
      name: this.name,
      startCommand: this.startCommand,
      stateDir: this.stateDir,
      sharedDir,
      env: { ...env, NIX_EFI_VARS: efiVarsPath(this) },
      vsock: vsock?.guest,
      taps,
      ...how,
      signal,
      saved: saved?.guest,
    }, listener);
  }

  #openShell(guest: Guest, saved?: SavedCore): Shell {
    return new Shell({
      console: guest.console,
      ports: guest.ports,
      isPaused: guest.isPaused?.bind(guest),
      onNoise: (line) =>
        this.log.debug(`on the shell's console: ${line}`, this.attributes),
      onWarning: (text) => this.log.warning(text, this.attributes),
      saved: saved?.shell,
    });
  }

  /** Waits until a guest has ended. Returns how. */
  async #awaitEnd(boot: Boot): Promise<string> {
    const { guest, shell } = boot;
    const [how, status] = await Promise.all([guest.ended, guest.status]);
    this.#deathWatch.conclude();
    this.#statuses.set(guest.pid, status);
    this.log.mark("end", { machine: this.label, text: how });
    this.#breakage.noteEnd(how, guest.endedWell ?? status.success);
    shell.close(`${this.name} ended: ${how}`);
    if (this.#boot === boot) this.#boot = undefined;
    return how;
  }

  #tellStart(guest: Guest): void {
    this.log.machineStarted({
      machine: this.label,
      hypervisor: this.hypervisor,
      command: this.startCommand.text,
      pid: guest.pid,
    });
    this.log.info(
      `${this.hypervisor} running (pid ${guest.pid})`,
      this.attributes,
    );
    this.#tellFacts(guest);
  }

  /** Logs what runs the guest. Nobody waits for this. */
  #tellFacts(guest: Guest): void {
    const words = commandLineOf(guest.pid);
    if (words !== undefined) {
      this.log.fact(
        "command line",
        words.map(shellQuote).join(" "),
        this.label,
      );
    }
    guest.version?.().then((version) =>
      this.log.fact(`${this.hypervisor} version`, version, this.label)
    ).catch(() => {});
  }

  /** The faults that the test has set. */
  get faults(): Faults {
    return this.context.faults;
  }

  #makeLinks(): MachineLinks {
    // deno-lint-ignore no-this-alias
    const core = this;
    return new MachineLinks({
      name: this.name,
      label: this.label,
      faults: this.faults,
      outDir: this.context.outDir,
      vlanDir: (nr) => this.context.env[`QEMU_VDE_SOCKET_${nr}`],
      get network() {
        return core.#boot?.guest.network;
      },
      tellOfFile: (path) =>
        this.log.attachment(baseName(path), { path, machine: this.label }),
      complain: (text) => this.log.warning(text, this.attributes),
    });
  }

  connect(): Promise<void> {
    if (this.connected) return Promise.resolve();
    return this.#connecting ??= this.nested(
      `waiting for the ${this.#noun} to finish booting`,
      async () => {
        await this.start();
        this.#demandHope();
        const began = performance.now();
        await this.guarded(async () => {
          const { guest, shell } = this.running();
          using _hints = new ShellHints(this, guest, shell);
          await shell.connect();
        });
        // A guest whose shell answers is alive, whatever the console has shown
        // before.
        this.#deathWatch.forget();
        this.console.live();
        this.log.mark("ready", this.attributes);
        const seconds = (performance.now() - began) / 1000;
        this.log.info(
          `connected to guest root shell (took ${seconds.toFixed(2)} seconds)`,
          this.attributes,
        );
      },
      {},
      "boot",
    ).finally(() => this.#connecting = undefined);
  }

  /**
   * Drops the connection to the shell of a kernel that has panicked. The next
   * command waits for that of its crash kernel, as those do that wait already.
   */
  #handOver(death: GuestDied): void {
    this.log.info(
      "the kernel has panicked; its crash kernel is to follow",
      this.attributes,
    );
    if (!this.shell?.isThere) return;
    this.shell.lose(death.message, death);
    // The next one may have greeted before that, which it does not do again.
    this.shell.answer();
    this.#boot?.guest.hangUp?.();
  }

  /** @throws {GuestDied} if the guest is dead, and no shell will come. */
  #demandHope(): void {
    const { died, isDeathMeant } = this.console;
    const { shell, mayReboot } = this.running();
    if (died === undefined || shell.isThere || mayReboot) return;
    // A test that waits for the text of an emergency shell may then repair the
    // guest.
    if (died.isPanic || !isDeathMeant) throw died;
  }

  /**
   * Waits until the guest's shell takes commands. Polling conditions must hold
   * meanwhile.
   */
  ready(): Promise<void> {
    // The boot itself goes on for later callers.
    return this.watched((signal) => orAbort(this.connect(), signal));
  }

  /**
   * Drops the connection to the guest's shell. The next command connects again.
   */
  lose(reason: string): void {
    this.running().shell.lose(reason);
  }

  /**
   * Drops the connection to the shell of a guest that `ask` reboots. A quick
   * guest is reset meanwhile, and callers wait for its next shell.
   */
  async reboot(ask: () => Promise<unknown>): Promise<void> {
    const { life } = this.running().shell;
    await ask();
    if (!life.aborted) this.lose(`${this.name} reboots`);
  }

  /**
   * Calls `listener` with the raw bytes of the serial console, until the
   * returned object is disposed. The bytes are valid only during the call.
   */
  onSerial(listener: (bytes: Uint8Array) => void): Disposable {
    this.#serialListeners.add(listener);
    return {
      [Symbol.dispose]: () => {
        this.#serialListeners.delete(listener);
      },
    };
  }

  /**
   * Logs a step that lasts until the guest has ended by itself, or fails after
   * some seconds.
   */
  waitForPowerOff(signal: AbortSignal, timeout: number): Promise<void> {
    return this.nested(
      `waiting for the ${this.#noun} to power off`,
      async () => {
        const late = new AbortController();
        const cancel = after(timeout, () => late.abort());
        try {
          await this.waitForEnd(AbortSignal.any([signal, late.signal]));
        } catch (error) {
          if (error !== late.signal.reason) throw error;
          throw new TestFailure(
            `${this.name} did not power off in ${timeout} seconds`,
          );
        } finally {
          cancel();
        }
      },
    );
  }

  /** Waits until the guest has ended by itself. */
  async waitForEnd(signal: AbortSignal): Promise<void> {
    if (this.#boot !== undefined) await orAbort(this.#ended!, signal);
  }

  /** Ends the guest, whatever it does, and waits until it is gone. */
  async release(): Promise<void> {
    this.#stopStart?.abort();
    await this.#starting?.catch(() => {});
    if (this.#boot === undefined) return;
    this.log.info(`kill machine (pid ${this.pid})`, this.attributes);
    await this.#boot.guest.stop();
    await this.#ended;
    this.#breakage.forgetEnd();
  }

  /** Ends the guest, and closes its console's log. */
  async close(): Promise<void> {
    await this.release();
    this.console.close();
  }

  nested<T>(
    text: string,
    fn: () => Promise<T>,
    attributes: Attributes = {},
    role?: RunEvents["stepBegan"]["role"],
  ): Promise<T> {
    this.context.used();
    const all = { ...this.attributes, ...attributes };
    return this.log.nested(text, fn, all, role);
  }

  /** Runs a wait as a step. */
  waiting<T>(text: string, fn: () => Promise<T>): Promise<T> {
    return this.nested(text, fn, {}, "wait");
  }

  watched<T>(fn: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.context.used();
    return this.context.watch(fn);
  }

  /**
   * Runs `fn`. If the machine breaks meanwhile, the error tells how, with the
   * last lines of the console.
   */
  async guarded<T>(fn: () => Promise<T>): Promise<T> {
    this.context.used();
    const ended = this.#ended;
    const boot = this.#boot &&
      { guest: this.#boot.guest, reset: this.#boot.reset };
    try {
      return await fn();
    } catch (error) {
      throw await this.#breakage.reasonOf(error, boot, ended);
    }
  }

  /**
   * Runs `fn`, which asks the guest again and again. If the guest ends between
   * two questions, this fails: the next question would start the guest again.
   *
   * @param fn Gets a function that throws if the guest has ended.
   */
  whileUp<T>(
    fn: (signal: AbortSignal, check: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    return this.watched(async (signal) => {
      // This does not wait for the shell: the screen may show the reason why
      // there is none.
      await orAbort(this.start(), signal);
      const boot = this.running();
      const check = async () => {
        if (this.#boot === boot) return;
        throw this.#breakage.end(await boot.guest.ended);
      };
      return await fn(signal, check);
    });
  }

  /**
   * Waits for a start that is under way. Only the caller of the start gets its
   * error.
   */
  async untilStarted(signal?: AbortSignal): Promise<void> {
    await orAbort(this.#starting?.catch(() => {}) ?? Promise.resolve(), signal);
  }

  /** Whether the machine runs, or is being started. */
  get isOn(): boolean {
    return this.#boot !== undefined || this.#starting !== undefined;
  }

  /**
   * Runs a wait for console text. If the console is closed meanwhile, the error
   * tells why.
   */
  async untilConsoleEnds<T>(fn: () => Promise<T>): Promise<T> {
    const ended = this.#ended;
    try {
      return await fn();
    } catch (error) {
      const isClosed = error instanceof MachineError &&
        error !== this.console.died;
      if (!isClosed || ended === undefined) throw error;
      throw this.#breakage.endOfConsole(await ended, error);
    }
  }

  /** Runs a command in the guest. Polling conditions must hold meanwhile. */
  run(command: string, options?: CommandOptions): Promise<CommandResult> {
    return this.#commands.run(command, options);
  }

  /** See {@linkcode Breakage.trouble}. */
  trouble(error?: unknown): Promise<string | undefined> {
    return this.#breakage.trouble(this.#boot, error);
  }
}
