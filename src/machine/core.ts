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
  type ConsoleWaitOptions,
  type SavedConsole,
  SerialConsole,
} from "../console/mod.ts";
import { type QmpEvent, QmpEventQueue } from "../qmp/mod.ts";
import {
  isHypervisorGone,
  MachineError,
  TestFailure,
  UsageError,
} from "../errors.ts";
import type { Attributes, Log, RunEvents } from "../report/mod.ts";
import { lacking } from "./capabilities.ts";
import {
  type RunResult,
  type SavedShell,
  Shell,
  ShellLost,
  shellQuote,
} from "../shell/mod.ts";
import {
  after,
  checkTimeout,
  isTimeout,
  orAbort,
  within,
} from "../time/mod.ts";
import type { MachineContext } from "./context.ts";
import { DeathWatch } from "./death_watch.ts";
import type { Faults } from "./faults.ts";
import { fileName } from "./file_name.ts";
import { type Link, makeLink, settleLink } from "./links/link.ts";
import type { Network } from "./links/neighbours.ts";
import { decode, lastLines, QUOTED_LINES } from "./commands/output.ts";
import { commandLineOf } from "./command_line.ts";
import { noteLook, withLook } from "./last_look.ts";
import { efiVarsPath } from "./paths.ts";
import { ShellHints } from "./shell_hints.ts";
import { SerialMarks } from "./commands/serial_marks.ts";
import { StderrPlace } from "./commands/stderr.ts";

/** Seconds that the shell of a machine that goes on has to answer. */
const ANSWER_TIMEOUT = 120;
/** How many lines of the console a failure quotes. */
const TAIL = 5;
/** Seconds after the loss of a channel in which its reason becomes known. */
const REASON = 0.5;
/** Seconds that the hypervisor may take to tell the guest's state. */
const STATUS = 2;
/** Seconds without a shell that are normal. */
const PATIENCE = 10;
/** Seconds that a look at the guest's state may take. */
const GLIMPSE = 3;
/**
 * Milliseconds of a wait for console text, after which a warning says that the
 * machine is not running.
 */
const NOT_STARTED_MS = 1000;

/** What a machine is made of. */
export interface MachineOptions {
  /** A start script's path, or a command line. */
  startCommand: string;
  /** The name. */
  name: string;
  /** The machine's own directory. */
  stateDir: string;
  /** Whether the guest may reboot; without, a reset ends it. */
  allowReboot?: boolean;
  /** Whether the guest's time passes at once where the guest waits for it. */
  fastForward?: boolean;
}

/** How a machine is started. */
export interface CoreStartOptions
  extends Pick<MachineOptions, "allowReboot" | "fastForward"> {}

/** What a machine was at one moment, from where it, or one like it, can go on. */
export interface SavedCore {
  /** Its guest. */
  readonly guest: SavedGuest;
  /** The way for commands. */
  readonly shell: SavedShell;
  /** What its serial console had said. */
  readonly console: SavedConsole;
  /** How it was started. */
  readonly started: CoreStartOptions;
}

/** A started guest, and the channels to it. */
interface Boot {
  guest: Guest;
  shell: Shell;
  /**
   * When it was last started or reset, in milliseconds of this process's clock.
   */
  began: number;
  /** Whether the guest boots again after a reset. */
  mayReboot: boolean;
  /** How it was started. */
  started: CoreStartOptions;
  /** Settled at the next reset. */
  reset: PromiseWithResolvers<string>;
}

/** Options of {@linkcode MachineCore.run}. */
export interface CoreRunOptions {
  /**
   * Seconds that the command may take; `null`: no limit.
   *
   * @default {null}
   */
  timeout?: number | null;
  /**
   * Where stderr goes.
   *
   * @default {"serial"}
   */
  stderr?: "serial" | "merge" | "separate";
  /**
   * Gets stdout as it comes. If it returns a promise, the command waits for
   * that.
   */
  onStdout?: (chunk: Uint8Array) => void | Promise<void>;
  /** Gets stderr as it comes, if it is separate. */
  onStderr?: (chunk: Uint8Array) => void;
  /** The command's stdin. The command has to read all of it. */
  stdin?: AsyncIterable<Uint8Array>;
  /** Ends the command. */
  signal?: AbortSignal;
  /**
   * Makes the end of the message, if something else ends the command: its last
   * output.
   */
  tellLast?: () => string;
  /** Called first. If it fails, so does the run. */
  check?: () => Promise<void>;
}

/** How a command of {@linkcode MachineCore.run} ended. */
export interface CommandResult extends RunResult {
  /**
   * Makes the end of a failure's message of the command's last lines on the
   * serial port, which gets its stderr; empty if there are none. Call it soon:
   * the serial port gets the stderr of later commands too.
   */
  lastStderr(): Promise<string>;
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
  /** How it is started where nobody says otherwise. */
  readonly #usual: Required<CoreStartOptions>;
  readonly #deathWatch: DeathWatch;
  readonly #serialListeners = new Set<(bytes: Uint8Array) => void>();
  readonly #marks = new SerialMarks();
  readonly #links = new Map<Network, Link>();
  /** The commands that run now and whose stderr goes to the serial port. */
  readonly #running = new Set<StderrPlace>();
  #stateDir: string;
  #boot?: Boot;
  /** How the processes of earlier starts have ended. */
  readonly #statuses = new Map<number, Deno.CommandStatus>();
  #starting?: Promise<void>;
  /** Ends a start that is under way. */
  #stopStart?: AbortController;
  #ended?: Promise<string>;
  #connecting?: Promise<void>;
  /** How the guest has ended last, and whether it has powered off. */
  #lastEnd?: { how: string; isClean: boolean };
  /** Errors that tell how the machine broke. */
  readonly #breaks = new WeakSet<Error>();
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
    this.#deathWatch = new DeathWatch(this.console, () => this.#boot?.shell);
    this.console.onDeath((error) => {
      const [text] = error.message.split("\n", 1);
      this.log.mark("death", { machine: this.name, text });
      this.#boot?.shell.lose(error.message);
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
    if (this.#boot !== undefined || this.#starting !== undefined) {
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
    return this.#boot?.shell.connected ?? false;
  }

  get pid(): number | undefined {
    return this.#boot?.guest.pid;
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

  start(options: CoreStartOptions = {}): Promise<void> {
    if (this.#boot !== undefined) return Promise.resolve();
    return this.#starting ??= this.#start(options).finally(() => {
      this.#starting = undefined;
    });
  }

  /**
   * Has the machine, which does not run, go on from where it was saved. It stands
   * still until {@linkcode go}.
   */
  resume(saved: SavedCore): Promise<void> {
    return this.#starting ??= this.#start(saved.started, saved).finally(
      () => {
        this.#starting = undefined;
      },
    );
  }

  /** Has a machine go on that was brought to where it was saved. */
  async go(): Promise<void> {
    await this.capability("snapshots", "restore()").go();
  }

  /**
   * Has the shell of a machine that has gone on taken up.
   *
   * @throws {MachineError} where it does not answer.
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

  async #start(
    options: CoreStartOptions,
    saved?: SavedCore,
  ): Promise<void> {
    const { backend } = this.context;
    const {
      allowReboot = this.#usual.allowReboot,
      fastForward = this.#usual.fastForward,
    } = options;
    if (fastForward && !backend.kind.fastForwards) {
      throw new UsageError(
        `fastForward needs a clock that the hypervisor keeps, which ` +
          `${this.hypervisor} does not give ${this.name}`,
      );
    }
    if (options.allowReboot && !backend.kind.reboots) {
      throw new UsageError(
        `allowReboot needs a hypervisor that goes on after a reset, but ` +
          `${this.hypervisor}, which runs ${this.name}, ends`,
      );
    }
    this.context.demandStart();
    const { signal } = this.#stopStart = new AbortController();
    if (saved === undefined) {
      this.log.info(`starting ${this.#noun.toLowerCase()}`, this.attributes);
    }
    ownDirectory(this.stateDir);
    this.console.reset(saved?.console);
    // The guest is filled in when it runs. Nobody reads it before.
    const late: { boot?: Boot } = {};
    const hear = (bytes: Uint8Array) => {
      this.console.feed(bytes);
      for (const listener of this.#serialListeners) listener(bytes);
    };
    const listener: GuestListener = {
      serial: (bytes) => hear(this.#marks.strip(bytes)),
      serialEnd: () => {
        hear(this.#marks.reset());
        this.#deathWatch.conclude();
        this.console.end();
      },
      complaint: (line) => this.log.warning(line, this.attributes),
      portClosed: (name) => late.boot?.shell.portClosed(name),
      reset: () => {
        const reason = `${this.name} was reset`;
        this.log.mark("reset", this.attributes);
        this.#deathWatch.conclude();
        this.console.live();
        late.boot?.shell.reset(reason);
        late.boot?.reset.resolve(reason);
        if (late.boot) {
          late.boot.reset = Promise.withResolvers();
          late.boot.began = performance.now();
        }
      },
      panicked: () => this.#deathWatch.panicked(),
    };
    const guest = await backend.start({
      name: this.name,
      startCommand: this.startCommand,
      stateDir: this.stateDir,
      sharedDir: this.context.sharedDir,
      env: { ...this.context.env, NIX_EFI_VARS: efiVarsPath(this) },
      vsock: this.context.vsock?.guest,
      taps: this.context.taps,
      allowReboot,
      fastForward,
      signal,
      saved: saved?.guest,
    }, listener);
    this.#qmpEvents = guest.qmp && new QmpEventQueue(guest.qmp);
    const shell = new Shell({
      console: guest.console,
      ports: guest.ports,
      standsStill: guest.standsStill?.bind(guest),
      onNoise: (line) =>
        this.log.debug(`on the shell's console: ${line}`, this.attributes),
      onWarning: (text) => this.log.warning(text, this.attributes),
      saved: saved?.shell,
    });
    const boot = {
      guest,
      shell,
      began: performance.now(),
      mayReboot: allowReboot,
      started: { allowReboot, fastForward },
      reset: Promise.withResolvers<string>(),
    };
    late.boot = this.#boot = boot;
    this.#ended = Promise.all([guest.ended, guest.status]).then(
      ([how, status]) => {
        this.#deathWatch.conclude();
        this.#statuses.set(guest.pid, status);
        this.log.mark("end", { machine: this.name, text: how });
        this.#lastEnd = { how, isClean: guest.endedWell ?? status.success };
        shell.close(`${this.name} ended: ${how}`);
        if (this.#boot === boot) this.#boot = undefined;
        return how;
      },
    );
    this.log.machineStarted({
      machine: this.name,
      hypervisor: this.hypervisor,
      command: this.startCommand.text,
      pid: guest.pid,
    });
    this.log.info(
      `${this.hypervisor} running (pid ${guest.pid})`,
      this.attributes,
    );
    this.#tellFacts(guest);
    // What is broken between machines outlives each of them.
    for (const link of this.#links.values()) await settleLink(link);
  }

  /** Tells what runs the guest; nobody waits for that. */
  #tellFacts(guest: Guest): void {
    const words = commandLineOf(guest.pid);
    if (words !== undefined) {
      this.log.fact("command line", words.map(shellQuote).join(" "), this.name);
    }
    guest.version?.().then((version) =>
      this.log.fact(`${this.hypervisor} version`, version, this.name)
    ).catch(() => {});
  }

  /** What is broken on purpose. */
  get faults(): Faults {
    return this.context.faults;
  }

  /** The links that somebody has asked for. */
  get links(): Iterable<Link> {
    return this.#links.values();
  }

  /** The link to a VLAN. */
  link(network: Network): Link {
    let link = this.#links.get(network);
    if (link === undefined) {
      // deno-lint-ignore no-this-alias
      const core = this;
      link = makeLink({
        name: this.name,
        faults: this.faults,
        outDir: this.context.outDir,
        get network() {
          return core.#boot?.guest.network;
        },
        tellOfFile: (path) =>
          this.log.attachment(baseName(path), { path, machine: this.name }),
      }, network);
      this.#links.set(network, link);
    }
    return link;
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
   * Drops the connection to the shell of a guest that `ask` has reboot. A quick
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
    this.#lastEnd = undefined;
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
    const reset = this.#boot?.reset.promise;
    const guest = this.#boot?.guest;
    try {
      return await fn();
    } catch (error) {
      if (!(error instanceof ShellLost || isHypervisorGone(error))) {
        throw error;
      }
      if (this.console.died !== undefined) throw this.console.died;
      // The channels break a moment before the reason is known.
      let reason = await within(
        REASON,
        Promise.race(
          [
            // This comes here and not before, because a promise keeps
            // everything that depends on it in memory.
            ended?.then((how) => `${this.name} ended: ${how}`),
            reset,
          ].filter((promise) => promise !== undefined),
        ),
      );
      // A process with a guest on KVM may take a while to go.
      if (reason === undefined && guest?.isEnding) {
        reason = `${this.name} ended: ${await ended}`;
      }
      if (this.console.died !== undefined) throw this.console.died;
      throw this.#broken(reason ?? (error as Error).message, error);
    }
  }

  /** Makes the error of a failure that the machine has caused. */
  #broken(reason: string, cause?: unknown): MachineError {
    const tail = this.console.tail(TAIL).join("\n");
    const error = new MachineError(
      reason + (tail === "" ? "" : `\nits console said last:\n${tail}`),
      { cause },
    );
    this.#breaks.add(error);
    return error;
  }

  #ending(how: string): MachineError {
    return this.console.died ?? this.#broken(`${this.name} ended: ${how}`);
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
        if (this.#boot !== boot) throw this.#ending(await boot.guest.ended);
      };
      return await fn(signal, check);
    });
  }

  /**
   * Waits for a start that is under way. Only the caller of the start gets its
   * error.
   */
  async #untilStarted(signal?: AbortSignal): Promise<void> {
    await orAbort(this.#starting?.catch(() => {}) ?? Promise.resolve(), signal);
  }

  /**
   * Waits for console text. If the console is closed meanwhile, the error tells
   * why.
   */
  async waitForConsole(
    pattern: RegExp | string,
    options: ConsoleWaitOptions,
  ): Promise<void> {
    await this.#untilStarted(options.signal);
    const ended = this.#ended;
    const hint = setTimeout(() => {
      if (this.#boot !== undefined || this.#starting !== undefined) return;
      this.log.warning(
        "is not running, so its console prints nothing: this wait does not " +
          "start it, start() does",
        this.attributes,
      );
    }, NOT_STARTED_MS);
    try {
      await withLook(
        this.name,
        () => `its console: ${this.console.tail(3).join("\n")}`,
        () => this.console.waitFor(pattern, options),
      );
    } catch (error) {
      const isClosed = error instanceof MachineError &&
        error !== this.console.died;
      if (!isClosed || ended === undefined) throw error;
      const told = new MachineError(
        `${this.name} ended: ${await ended}; ${error.message}`,
        { cause: error },
      );
      this.#breaks.add(told);
      throw told;
    } finally {
      clearTimeout(hint);
    }
  }

  /** See {@linkcode QemuMachine.waitForQmpEvent}. */
  async waitForQmpEvent(
    filter: (event: QmpEvent) => boolean,
    timeout: number | null = 600,
  ): Promise<QmpEvent> {
    checkTimeout(timeout);
    try {
      await this.#untilStarted();
      return await this.watched((signal) =>
        this.guarded(() => {
          const events = this.#qmpEvents ??
            new QmpEventQueue(this.capability("qmp", "waitForQmpEvent()"));
          return events.take(filter, { timeout, signal });
        })
      );
    } catch (error) {
      if (!isTimeout(error)) throw error;
      throw new TestFailure(`${error.message} from ${this.name}`, {
        cause: error,
      });
    }
  }

  /** Runs a command in the guest. Polling conditions must hold meanwhile. */
  run(command: string, options: CoreRunOptions = {}): Promise<CommandResult> {
    checkTimeout(options.timeout);
    return this.watched(async (signal) => {
      await options.check?.();
      await orAbort(this.connect(), signal);
      const place = options.stderr === "merge"
        ? undefined
        : new StderrPlace(this.console, this.#running);
      try {
        const result = await this.guarded(() =>
          this.running().shell.run(command, {
            ...options,
            timeout: options.timeout ?? undefined,
            signal: options.signal === undefined
              ? signal
              : AbortSignal.any([signal, options.signal]),
            onSent: () => place?.begin(),
          }).catch(async (error) => {
            throw await this.#withKiller(error, place);
          })
        );
        return { ...result, lastStderr: () => this.#lastStderr(place) };
      } catch (error) {
        const { tellLast } = options;
        if (tellLast !== undefined) {
          noteLook(
            error,
            this.name,
            () => (tellLast() + (place?.quote(QUOTED_LINES) ?? "")).slice(2),
          );
        }
        throw error;
      } finally {
        place?.end();
      }
    });
  }

  async #lastStderr(place: StderrPlace | undefined): Promise<string> {
    if (place === undefined) return "";
    await this.#serialArrived();
    const victims = place.victims().map(({ process, name }) =>
      `; the guest's kernel killed ${name} (process ${process}) meanwhile, ` +
      "for want of memory"
    );
    return victims.join("") + place.quote(QUOTED_LINES);
  }

  /**
   * Waits until everything has arrived that the guest has written to its serial
   * port.
   */
  async #serialArrived(): Promise<void> {
    const shell = this.#boot?.shell;
    // Without a serial port everything has arrived.
    if (!shell?.connected) return;
    await this.#marks.arrived((mark) => shell.writeStderr(mark))
      .catch(() => {});
  }

  /** The loss of what ran a command, with who has killed it, where that is known. */
  async #withKiller(error: unknown, place?: StderrPlace): Promise<unknown> {
    if (!(error instanceof ShellLost) || error.process === undefined) {
      return error;
    }
    await this.#serialArrived();
    const isVictim = place?.victims().some(({ process }) =>
      process === error.process
    );
    if (!isVictim) return error;
    return new ShellLost(
      error.message.replace(
        /: by .*/,
        ": by the guest's kernel, for want of memory",
      ),
      error.process,
    );
  }

  /** Runs a command of the driver that must succeed, and returns its stdout. */
  async demand(command: string, options: CoreRunOptions = {}): Promise<void> {
    const { status, stdout } = await this.run(command, {
      stderr: "merge",
      ...options,
    });
    if (status === 0) return;
    throw new TestFailure(
      `command \`${command}\` failed (exit code ${status})` +
        lastLines(decode(stdout)),
    );
  }

  /**
   * Runs a command to see the guest's present state, for the message of a
   * failure.
   *
   * @param timeout Seconds that it may take.
   */
  async observe(command: string, timeout = 5): Promise<string> {
    const { stdout } = await this.run(`{ ${command}\n} || :`, { timeout });
    return decode(stdout).trimEnd();
  }

  /**
   * Runs a command to find out what went wrong. Polling conditions and the end
   * of the run do not matter to it.
   *
   * @param seconds How long to wait for its output.
   * @returns Its output so far; nothing if no shell answers.
   */
  async glimpse(command: string, seconds: number): Promise<Uint8Array> {
    const { shell } = this.#boot ?? {};
    const chunks: Uint8Array[] = [];
    if (shell?.connected && this.console.died === undefined) {
      const enough = new AbortController();
      const run = shell.run(`set +euo pipefail\n{ ${command}\n} 2>&1`, {
        signal: enough.signal,
        onStdout: (chunk) => void chunks.push(chunk.slice()),
      });
      await within(seconds, run.catch(() => {}));
      enough.abort();
    }
    return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
  }

  /**
   * The same as text, without white space at its end, and with a short limit.
   */
  async glimpseText(command: string): Promise<string> {
    return decode(await this.glimpse(command, GLIMPSE)).trimEnd();
  }

  /**
   * What is wrong with the machine, as the end of a sentence; nothing if it is
   * well.
   *
   * @param error What a person is told anyway: how the guest died or ended is
   * not said again where this error says it.
   */
  async trouble(error?: unknown): Promise<string | undefined> {
    const { died } = this.console;
    const told = error instanceof Error ? [error, error.cause] : [];
    if (died !== undefined) {
      return told.includes(died) ? undefined : `its guest died: ${died.line}`;
    }
    if (this.#boot === undefined) {
      const end = this.#lastEnd;
      const isTold = told.some((one) =>
        one instanceof Error && this.#breaks.has(one)
      );
      return end === undefined || end.isClean || isTold
        ? undefined
        : `ended: ${end.how}`;
    }
    const { guest, shell, began } = this.#boot;
    const still = guest.standsStill?.().catch(() => undefined);
    const why = still && await within(STATUS, still);
    if (why !== undefined) return `does not run, ${why}`;
    const seconds = (performance.now() - began) / 1000;
    if (shell.connected || seconds < PATIENCE) return;
    const [last] = this.console.tail(1);
    return `has had no shell for ${
      seconds.toFixed(0)
    } seconds; its console said ` +
      (last === undefined ? "nothing" : `last: ${last}`);
  }

  /** Writes a picture of the screen to a file. */
  async screendump(path: string): Promise<void> {
    const screen = this.capability("screen", "screenshot()");
    await this.guarded(() => screen.takePicture(absolute(path)));
  }

  /** Quotes `text` for the guest's shell. */
  quote(text: string): string {
    return shellQuote(text);
  }
}
