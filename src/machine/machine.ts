import {
  type Guest,
  type GuestListener,
  shellQuote,
  StartCommand,
} from "../backend/mod.ts";
import { Console } from "../console/mod.ts";
import { type QmpClient, QmpClosed, type QmpEvent } from "../qmp/mod.ts";
import {
  type Attributes,
  type Log,
  MachineError,
  TestFailure,
  UsageError,
} from "../report/mod.ts";
import { type RunResult, Shell, ShellLost } from "../shell/mod.ts";
import type { MachineContext } from "./context.ts";
import { baseName, copyTree } from "./files.ts";
import {
  LOOK_INTERVAL,
  pause,
  reportChanges,
  untilHolds,
} from "./guest_loop.ts";
import { keysOf } from "./keyboard.ts";
import { textOf, textVariantsOf } from "./screen.ts";
import { offerSnakeCase, type SnakeCased } from "./snake_case.ts";
import { ttyDump, ttyText } from "./tty.ts";
import { parseProperties, systemctlCommand, unitLoop } from "./units.ts";

/** Seconds that a wait takes at most where the author names no other limit. */
export const DEFAULT_TIMEOUT = 900;

/** Lines of the console that a failure quotes. */
const TAIL = 10;

/** What a wait takes. */
export interface WaitOptions {
  /** Seconds to wait at most; 900 by default. */
  timeout?: number;
}

/** What {@linkcode BaseMachine.execute} takes. */
export interface ExecuteOptions {
  /** Seconds until the command is ended with status 124; `null`: no limit. */
  timeout?: number | null;
  /** `false`: answer status -1, also where the command takes the guest down. */
  checkReturn?: boolean;
  /** `false`: don't wait for the command, answer `[-2, ""]` at once. */
  checkOutput?: boolean;
}

/** What {@linkcode BaseMachine.succeed} takes after its commands. */
export interface CommandOptions {
  /** Seconds that each command may take; no limit by default. */
  timeout?: number | null;
}

/** What waits for systemd units take. */
export interface UnitOptions extends WaitOptions {
  /** The user whose manager is asked; the system's by default. */
  user?: string;
}

/** What waits for TCP ports take. */
export interface PortOptions extends WaitOptions {
  /** The address as the guest sees it; `localhost` by default. */
  addr?: string;
}

/** How a machine is made. */
export interface MachineOptions {
  /** A start script's path, or a command line. */
  startCommand: string;
  /** The name; from `run-<name>-vm` by default, else `machine`. */
  name?: string;
  /** The machine's own directory. */
  stateDir: string;
  /** Whether the guest may reboot; without, a reset ends it. */
  allowReboot?: boolean;
}

/** A started guest and what talks to it. */
interface Boot {
  guest: Guest;
  shell: Shell;
}

/**
 * A machine under test: a guest that can be started, commanded, watched and
 * typed at. Every method has its NixOS name in snake_case too.
 *
 * Durations are seconds. Methods that wait or demand reject with
 * `TestFailure` when what they ask for does not hold, and with `MachineError`
 * when the machine itself breaks meanwhile.
 */
export class BaseMachine {
  /** The machine's name. */
  readonly name: string;
  /** The directory of the machine's own files on the host. */
  readonly stateDir: string;
  readonly #context: MachineContext;
  readonly #startCommand: StartCommand;
  readonly #console: Console;
  readonly #allowReboot: boolean;
  #boot?: Boot;
  #starting?: Promise<void>;
  #ended?: Promise<string>;
  #connecting?: Promise<void>;

  /** Takes its options and what its driver lends it. */
  constructor(options: MachineOptions, context: MachineContext) {
    this.#startCommand = new StartCommand(options.startCommand);
    this.name = options.name ?? this.#startCommand.machineName;
    this.stateDir = options.stateDir;
    this.#allowReboot = options.allowReboot ?? false;
    this.#context = context;
    this.#console = new Console({
      machine: this.name,
      path: `${context.outDir}/${this.name.replaceAll("/", "_")}.log`,
      log: context.log,
      dead: context.deadPatterns,
    });
    this.#console.onDeath((error) => this.#boot?.shell.lose(error.message));
  }

  /** Whether the guest runs. */
  get booted(): boolean {
    return this.#boot !== undefined;
  }

  /** Whether the guest's shell takes commands. */
  get connected(): boolean {
    return this.#boot?.shell.connected ?? false;
  }

  /** The process of the start command; `undefined` while nothing runs. */
  get pid(): number | undefined {
    return this.#boot?.guest.pid;
  }

  /** The directory that all machines share with the host. */
  get sharedDir(): string {
    return this.#context.sharedDir;
  }

  /** Where screenshots and copied files go. */
  get outDir(): string {
    return this.#context.outDir;
  }

  /** The start script's path, or command line. */
  get startCommand(): string {
    return this.#startCommand.text;
  }

  /** The serial console. */
  get console(): Console {
    return this.#console;
  }

  /**
   * The connection to QEMU's QMP server.
   *
   * @throws {MachineError} while the machine is not running.
   */
  get qmpClient(): QmpClient {
    return this.#running().guest.qmp;
  }

  // Life

  /**
   * Starts the machine, and does not wait until its guest has booted. A
   * machine that runs is left alone.
   *
   * @param options.allowReboot Whether the guest may reboot; without, a reset
   * ends it.
   * @throws {MachineError} where QEMU does not come up.
   */
  start(options: { allowReboot?: boolean } = {}): Promise<void> {
    if (this.#boot !== undefined) return Promise.resolve();
    return this.#starting ??= this.#start(options.allowReboot).finally(() => {
      this.#starting = undefined;
    });
  }

  async #start(allowReboot = this.#allowReboot): Promise<void> {
    this.#log.info("starting vm", this.#attributes);
    await Deno.mkdir(this.stateDir, { recursive: true, mode: 0o700 });
    this.#console.reset();
    let boot: Boot | undefined;
    const listener: GuestListener = {
      serial: (bytes) => this.#console.feed(bytes),
      serialEnd: () => this.#console.end(),
      complaint: (line) => this.#log.warning(line, this.#attributes),
      portClosed: (name) => boot?.shell.portClosed(name),
      reset: () => boot?.shell.lose(`${this.name} was reset`),
    };
    const guest = await this.#context.backend.start({
      name: this.name,
      startCommand: this.#startCommand,
      stateDir: this.stateDir,
      sharedDir: this.sharedDir,
      env: this.#context.env,
      allowReboot,
    }, listener);
    const shell = new Shell({
      console: guest.console,
      ports: guest.ports,
      onNoise: (line) =>
        this.#log.debug(`on the shell's console: ${line}`, this.#attributes),
    });
    boot = this.#boot = { guest, shell };
    this.#ended = guest.ended.then((how) => {
      shell.close(`${this.name} ended: ${how}`);
      if (this.#boot === boot) this.#boot = undefined;
      return how;
    });
    this.#log.info(`QEMU running (pid ${guest.pid})`, this.#attributes);
  }

  /**
   * Waits until the guest's shell takes commands, starting the machine where
   * it does not run. Every method that runs commands does so itself.
   *
   * @throws {MachineError} where the guest dies first.
   */
  async connect(): Promise<void> {
    if (this.connected) return;
    await this.#watched(() => this.#connect());
  }

  #connect(): Promise<void> {
    if (this.connected) return Promise.resolve();
    return this.#connecting ??= this.#nested(
      "waiting for the VM to finish booting",
      async () => {
        await this.start();
        const began = performance.now();
        await this.#guarded(() => this.#running().shell.connect());
        const seconds = (performance.now() - began) / 1000;
        this.#log.info(
          `connected to guest root shell (took ${seconds.toFixed(2)} seconds)`,
          this.#attributes,
        );
      },
    ).finally(() => this.#connecting = undefined);
  }

  /** Whether the guest runs and its shell is connected. */
  isUp(): boolean {
    return this.booted && this.connected;
  }

  /** Powers the guest off and waits until it is gone. */
  async shutdown(): Promise<void> {
    if (!this.booted) return;
    await this.#guarded(() => this.#running().shell.send("poweroff"));
    await this.waitForShutdown();
  }

  /** Ends the guest at once, as a power failure does. */
  async crash(): Promise<void> {
    if (!this.booted) return;
    this.#log.info("forced crash", this.#attributes);
    const { qmp } = this.#running().guest;
    await qmp.send("quit").catch((error) => {
      if (!(error instanceof QmpClosed)) throw error;
    });
    await this.waitForShutdown();
  }

  /**
   * Presses Ctrl+Alt+Delete. The next command waits for the new boot; a guest
   * that was started without `allowReboot` ends instead.
   */
  async reboot(): Promise<void> {
    const { shell } = this.#running();
    await this.sendKey("ctrl-alt-delete");
    shell.lose(`${this.name} reboots`);
  }

  /** Waits until the guest has ended by itself. */
  async waitForShutdown(): Promise<void> {
    if (this.#boot === undefined) return;
    await this.#watched((signal) =>
      this.#nested(
        "waiting for the VM to power off",
        () => orAbort(this.#ended!, signal),
      )
    );
  }

  /** Ends the guest, whatever it does, and waits until it is gone. */
  async release(): Promise<void> {
    await this.#starting?.catch(() => {});
    if (this.#boot === undefined) return;
    this.#log.info(`kill machine (pid ${this.pid})`, this.#attributes);
    await this.#boot.guest.stop();
    await this.#ended;
  }

  /**
   * Goes on from stage 1 to stage 2 of a guest whose initrd runs the backdoor,
   * and connects anew.
   */
  async switchRoot(): Promise<void> {
    await this.waitForUnit("initrd.target");
    const { shell } = this.#running();
    await shell.send(
      "systemctl isolate --no-block initrd-switch-root.target " +
        ">/dev/null 2>&1 </dev/null",
    );
    shell.lose(`${this.name} switches its root`);
    await this.connect();
  }

  // Commands

  /**
   * Runs a shell command as root in the guest, as `bash -c 'set -euo pipefail;
   * …'` would run it.
   *
   * stderr goes to the serial console. The answer comes when the command is
   * done, also where a child of it still holds stdout.
   *
   * @param command The command.
   * @param options.timeout Seconds until its process group is ended and the
   * status is 124; 900 by default, `null` for no limit.
   * @param options.checkReturn `false`: don't ask for the status, answer -1;
   * for a command that takes the guest down.
   * @param options.checkOutput `false`: don't wait for the command at all.
   * @returns The exit status and what it wrote to stdout.
   * @throws {MachineError} where the guest dies meanwhile.
   */
  async execute(
    command: string,
    options: ExecuteOptions = {},
  ): Promise<[status: number, stdout: string]> {
    const { checkReturn = true, checkOutput = true } = options;
    const timeout = options.timeout === undefined
      ? DEFAULT_TIMEOUT
      : options.timeout;
    if (!checkOutput) {
      await this.connect();
      this.#run(command, { timeout }).catch(() => {});
      return [-2, ""];
    }
    const chunks: Uint8Array[] = [];
    try {
      const { status } = await this.#run(command, {
        timeout,
        onStdout: (chunk) => chunks.push(chunk.slice()),
      });
      return [checkReturn ? status : -1, decode(chunks)];
    } catch (error) {
      if (!checkReturn && error instanceof MachineError) {
        return [-1, decode(chunks)];
      }
      throw error;
    }
  }

  /**
   * Runs commands one after the other, each of which must succeed.
   *
   * @param commands Commands, and options last if any.
   * @returns What they wrote to stdout, joined.
   * @throws {TestFailure} for a status other than zero, with the output.
   *
   * @example
   * ```ts
   * await machine.succeed("systemctl reload nginx", { timeout: 10 });
   * ```
   */
  async succeed(
    ...commands: [...commands: string[], options: CommandOptions] | string[]
  ): Promise<string> {
    const [texts, options] = splitOptions(commands);
    let output = "";
    for (const command of texts) {
      output += await this.#nested(`must succeed: ${command}`, async () => {
        const [status, out] = await this.execute(command, {
          timeout: options.timeout ?? null,
        });
        if (status === 0) return out;
        this.#log.log(`output: ${out}`, this.#attributes);
        throw new TestFailure(
          `command \`${command}\` failed (exit code ${status})` +
            lastOutput(out),
        );
      });
    }
    return output;
  }

  /**
   * Like {@linkcode succeed}, for commands that must fail.
   *
   * @throws {TestFailure} for a status of zero.
   */
  async fail(
    ...commands: [...commands: string[], options: CommandOptions] | string[]
  ): Promise<string> {
    const [texts, options] = splitOptions(commands);
    let output = "";
    for (const command of texts) {
      output += await this.#nested(`must fail: ${command}`, async () => {
        const [status, out] = await this.execute(command, {
          timeout: options.timeout ?? null,
        });
        if (status !== 0) return out;
        throw new TestFailure(
          `command \`${command}\` unexpectedly succeeded` + lastOutput(out),
        );
      });
    }
    return output;
  }

  /**
   * Runs a command again and again until it succeeds.
   *
   * @returns What its last run wrote to stdout.
   * @throws {TestFailure} when the time has passed.
   */
  waitUntilSucceeds(
    command: string,
    options: WaitOptions = {},
  ): Promise<string> {
    return this.#repeat("success", command, options, (status) => status === 0);
  }

  /** Like {@linkcode waitUntilSucceeds}, until the command fails. */
  waitUntilFails(command: string, options: WaitOptions = {}): Promise<string> {
    return this.#repeat("failure", command, options, (status) => status !== 0);
  }

  /** Lets `seconds` of the guest's time pass. */
  async sleep(seconds: number): Promise<void> {
    await this.succeed(`sleep ${Number(seconds)}`);
  }

  // systemd

  /**
   * Runs `systemctl`, with `user` as that user's `systemctl --user`.
   *
   * @returns The exit status and what it wrote to stdout.
   */
  systemctl(
    query: string,
    user?: string,
  ): Promise<[status: number, stdout: string]> {
    return this.execute(systemctlCommand(query, user));
  }

  /**
   * Waits until a systemd unit is active.
   *
   * @throws {TestFailure} at once where the unit has failed, or is inactive
   * with no job pending; else when the time has passed.
   */
  waitForUnit(unit: string, options: UnitOptions = {}): Promise<void> {
    const { user, timeout = DEFAULT_TIMEOUT } = options;
    const whose = user === undefined ? "" : ` with user ${user}`;
    return this.#nested(`waiting for unit ${unit}${whose}`, async () => {
      const { status, timedOut, stdout } = await this.#run(
        unitLoop(unit, user, pause(0.1)),
        { timeout },
      );
      const state = decode([stdout]);
      if (timedOut) {
        const now = await this.#observe(
          systemctlCommand(`--no-pager status ${shellQuote(unit)}`, user),
        );
        throw new TestFailure(
          `unit "${unit}" did not become active in ${timeout} seconds; ` +
            `its last status:\n${now}`,
        );
      }
      if (status !== 0) {
        throw new TestFailure(
          `retrieving systemctl property "ActiveState" for unit "${unit}"` +
            `${
              whose && ` under user "${user}"`
            } failed with exit code ${status}`,
        );
      }
      if (state === "failed") {
        throw new TestFailure(`unit "${unit}" reached state "failed"`);
      }
      if (state === "inactive") {
        throw new TestFailure(
          `unit "${unit}" is inactive and there are no pending jobs`,
        );
      }
    });
  }

  /**
   * The properties of a unit, as `systemctl show` prints them.
   *
   * @throws {TestFailure} where systemctl fails.
   */
  async getUnitInfo(
    unit: string,
    user?: string,
  ): Promise<Record<string, string>> {
    const [status, lines] = await this.systemctl(
      `--no-pager show ${shellQuote(unit)}`,
      user,
    );
    if (status !== 0) {
      throw new TestFailure(
        `retrieving systemctl info for unit "${unit}"` +
          (user === undefined ? "" : ` under user "${user}"`) +
          ` failed with exit code ${status}`,
      );
    }
    return parseProperties(lines);
  }

  /**
   * One property of a unit.
   *
   * @throws {TestFailure} where systemctl fails or does not know the property.
   */
  async getUnitProperty(
    unit: string,
    property: string,
    user?: string,
  ): Promise<string> {
    const [status, lines] = await this.systemctl(
      `--no-pager show ${shellQuote(unit)} --property=${shellQuote(property)}`,
      user,
    );
    const value = parseProperties(lines)[property];
    if (status !== 0 || value === undefined) {
      throw new TestFailure(
        `retrieving systemctl property "${property}" for unit "${unit}"` +
          (user === undefined ? "" : ` under user "${user}"`) +
          (status !== 0
            ? ` failed with exit code ${status}`
            : ` produced invalid output: ${lines}`),
      );
    }
    return value;
  }

  /**
   * Demands that a unit is in a state right now; `active` by default.
   *
   * @throws {TestFailure} where it is in another.
   */
  requireUnitState(unit: string, requireState = "active"): Promise<void> {
    return this.#nested(
      `checking if unit '${unit}' has reached state '${requireState}'`,
      async () => {
        const state = await this.getUnitProperty(unit, "ActiveState");
        if (state !== requireState) {
          throw new TestFailure(
            `Expected unit '${unit}' to be in state '${requireState}' ` +
              `but it is in state '${state}'`,
          );
        }
      },
    );
  }

  /** Starts a unit, as `systemctl start` does. */
  startJob(
    job: string,
    user?: string,
  ): Promise<[status: number, stdout: string]> {
    return this.systemctl(`start ${job}`, user);
  }

  /** Stops a unit, as `systemctl stop` does. */
  stopJob(
    job: string,
    user?: string,
  ): Promise<[status: number, stdout: string]> {
    return this.systemctl(`stop ${job}`, user);
  }

  // Waits

  /**
   * Waits until a file exists.
   *
   * @param filename A path; patterns and variables of the shell work too.
   * @throws {TestFailure} when the time has passed.
   */
  waitForFile(filename: string, options: WaitOptions = {}): Promise<void> {
    const exists = /[*?[\]$`~"'\\{}]/.test(filename)
      ? `{ [ -e ${
        shellQuote(filename)
      } ] || { set -- ${filename}; [ -e "\${1-}" ]; }; }`
      : `[ -e ${shellQuote(filename)} ]`;
    return this.#waitFor(`waiting for file '${filename}'`, exists, options, {
      seen: `ls -lad -- ${shellQuote(filename)} "$(dirname -- ${
        shellQuote(filename)
      })" 2>&1`,
    });
  }

  /** Waits until somebody listens on a TCP port. */
  waitForOpenPort(port: number, options: PortOptions = {}): Promise<void> {
    const { addr = "localhost" } = options;
    return this.#waitFor(
      `waiting for TCP port ${port} on ${addr}`,
      portOpen(port, addr),
      options,
      { seen: LISTENERS },
    );
  }

  /** Waits until nobody listens on a TCP port. */
  waitForClosedPort(port: number, options: PortOptions = {}): Promise<void> {
    const { addr = "localhost" } = options;
    return this.#waitFor(
      `waiting for TCP port ${port} on ${addr} to be closed`,
      `! ${portOpen(port, addr)}`,
      options,
      { seen: LISTENERS },
    );
  }

  /**
   * Waits until somebody listens on a UNIX socket.
   *
   * @param options.isDatagram Whether it is a datagram socket; a stream by
   * default.
   */
  waitForOpenUnixSocket(
    addr: string,
    options: WaitOptions & { isDatagram?: boolean } = {},
  ): Promise<void> {
    const { isDatagram = false } = options;
    const flags = isDatagram ? "-z -uU" : "-z -U";
    return this.#waitFor(
      `waiting for UNIX-domain ${
        isDatagram ? "datagram" : "stream"
      } on '${addr}'`,
      // A look that costs no process comes first.
      `{ [ -S ${shellQuote(addr)} ] && nc ${flags} ${shellQuote(addr)} ` +
        `>/dev/null 2>&1; }`,
      options,
      { seen: `ls -la -- ${shellQuote(addr)} 2>&1`, seconds: 0.1 },
    );
  }

  // Console

  /**
   * Waits until the serial console's text matches.
   *
   * Counted from where the last successful wait ended, so what came before the
   * call matches too; at the first from the boot on.
   *
   * @param regex A regular expression, as such or as its source.
   * @param options.timeout Seconds to wait at most; no limit by default.
   * @throws {TestFailure} when the time has passed.
   */
  waitForConsoleText(
    regex: RegExp | string,
    options: WaitOptions = {},
  ): Promise<void> {
    return this.#watched((signal) =>
      this.#nested(`waiting for ${regex} to appear on console`, async () => {
        await this.#guarded(() =>
          this.#console.waitFor(regex, { ...options, signal })
        );
      })
    );
  }

  /** All of the serial console since the boot, as lines. */
  getConsoleLog(): string {
    return this.#console.text();
  }

  /** Types on the serial console. */
  async sendConsole(chars: string): Promise<void> {
    await this.#running().guest.writeSerial(chars);
  }

  // Virtual terminals

  /** What a virtual terminal shows, a line to a row. */
  async getTtyText(tty: string | number): Promise<string> {
    const { stdout } = await this.#run(ttyDump(ttyName(tty)), {
      timeout: DEFAULT_TIMEOUT,
    });
    return ttyText(stdout);
  }

  /**
   * Waits until what a virtual terminal shows matches.
   *
   * @throws {TestFailure} when the time has passed, with what it shows.
   */
  waitUntilTtyMatches(
    tty: string | number,
    regexp: RegExp | string,
    options: WaitOptions = {},
  ): Promise<void> {
    const pattern = new RegExp(regexp);
    return this.#retry(
      `waiting for ${regexp} to appear on tty ${tty}`,
      `/${pattern.source}/ did not appear on tty ${tty}`,
      () => this.getTtyText(tty),
      (text) => pattern.test(text),
      options,
    );
  }

  /** Writes what a virtual terminal shows into the guest's journal. */
  async dumpTtyContents(tty: string | number): Promise<void> {
    await this.execute(
      `fold -w 80 /dev/vcs${ttyName(tty)} | systemd-cat`,
    );
  }

  // Keyboard

  /**
   * Presses a key, or several together.
   *
   * @param key A character, or names such as `ctrl-alt-delete` or `ret`.
   * @param options.delay Seconds to hold it and to wait after it; 0.01 by
   * default.
   */
  async sendKey(
    key: string,
    options: { delay?: number | null; log?: boolean } = {},
  ): Promise<void> {
    const delay = options.delay === undefined ? 0.01 : options.delay ?? 0;
    const press = async () => {
      await this.#guarded(() =>
        this.qmpClient.send("send-key", {
          keys: keysOf(key),
          "hold-time": Math.max(1, Math.round(delay * 1000)),
        })
      );
      await new Promise((resolve) => setTimeout(resolve, delay * 1000));
    };
    if (options.log === false) await press();
    else await this.#nested(`sending key ${JSON.stringify(key)}`, press);
  }

  /** Types text: one key after the other, each for `delay` seconds. */
  sendChars(
    chars: string,
    options: { delay?: number | null } = {},
  ): Promise<void> {
    return this.#nested(`sending keys ${JSON.stringify(chars)}`, async () => {
      for (const char of chars) {
        await this.sendKey(char, { ...options, log: false });
      }
    });
  }

  // Screen

  /**
   * Takes a picture of the screen, as PNG.
   *
   * @param filename A name in the output directory, or a path; `.png` is added
   * where there is no ending.
   */
  screenshot(filename: string): Promise<void> {
    let path = filename.includes(".") ? filename : `${filename}.png`;
    if (!path.includes("/")) path = `${this.outDir}/${path}`;
    return this.#nested(
      `making screenshot ${path}`,
      async () => {
        await this.#screendump(path);
        this.#log.screenshot(this.name, path);
      },
      { image: baseName(path) },
    );
  }

  /** The text on the screen, by optical character recognition (tesseract). */
  getScreenText(): Promise<string> {
    return this.#withScreen(textOf);
  }

  /** What the text on the screen may be; at least one reading. */
  getScreenTextVariants(): Promise<string[]> {
    return this.#withScreen(textVariantsOf);
  }

  /**
   * Waits until the text on the screen matches, in one of its readings.
   *
   * @throws {TestFailure} when the time has passed, with what was read last.
   */
  waitForText(
    regex: RegExp | string,
    options: WaitOptions = {},
  ): Promise<void> {
    const pattern = new RegExp(regex);
    return this.#retry(
      `waiting for ${regex} to appear on screen`,
      `/${pattern.source}/ did not appear on the screen`,
      () => this.getScreenTextVariants(),
      (variants) => variants.some((text) => pattern.test(text)),
      options,
    );
  }

  /** Waits until the X server can be connected to. */
  waitForX(options: WaitOptions = {}): Promise<void> {
    return this.#waitFor(
      "waiting for the X11 server",
      "{ [ -e /tmp/.X11-unix/X0 ] && " +
        "journalctl -b SYSLOG_IDENTIFIER=systemd | " +
        'grep "Reached target Current graphical" >/dev/null; }',
      options,
      { seen: "ls -la /tmp/.X11-unix 2>&1", seconds: 0.2 },
    );
  }

  /** The names of all X11 windows. */
  async getWindowNames(): Promise<string[]> {
    const out = await this.succeed(WINDOW_NAMES);
    return out.split("\n").filter((name) => name !== "");
  }

  /**
   * Waits until an X11 window has a name that matches.
   *
   * @throws {TestFailure} when the time has passed, with the names there were.
   */
  waitForWindow(
    regexp: RegExp | string,
    options: WaitOptions = {},
  ): Promise<void> {
    const pattern = new RegExp(regexp);
    return this.#waitForReport(
      "waiting for a window to appear",
      `no window has a name that matches /${pattern.source}/`,
      reportChanges(`{ ${WINDOW_NAMES}; } 2>/dev/null`, 0.1),
      (names) => names.split("\n").some((name) => pattern.test(name)),
      options,
    );
  }

  // Files

  /**
   * Copies a file or a tree from the host into the guest, with its modes.
   *
   * @param source The path on the host.
   * @param target The path in the guest.
   */
  copyFromHost(source: string, target: string): Promise<void> {
    return this.#nested(`copying ${source} to ${target}`, async () => {
      await this.#withSharedDirectory(async (host, guest) => {
        const name = baseName(source);
        await copyTree(source, `${host}/${name}`);
        await this.#demand(
          `mkdir -p -- "$(dirname -- ${shellQuote(target)})" && ` +
            `cp -r -- ${shellQuote(`${guest}/${name}`)} ${shellQuote(target)}`,
        );
      });
    });
  }

  /**
   * Copies a file or a tree from the guest into the output directory.
   *
   * @param source The path in the guest.
   * @param targetDir A directory below the output directory; itself by default.
   */
  copyFromMachine(source: string, targetDir = ""): Promise<void> {
    return this.#nested(`copying ${source} to the host`, async () => {
      await this.#withSharedDirectory(async (host, guest) => {
        const name = baseName(source);
        await this.#demand(
          `cp -r -- ${shellQuote(source)} ${shellQuote(`${guest}/${name}`)}`,
        );
        const directory = `${this.outDir}/${targetDir}`;
        await Deno.mkdir(directory, { recursive: true });
        await copyTree(`${host}/${name}`, `${directory}/${name}`);
      });
    });
  }

  /** The older name of {@linkcode copyFromMachine}. */
  copyFromVm(source: string, targetDir = ""): Promise<void> {
    return this.copyFromMachine(source, targetDir);
  }

  // Network and QEMU

  /** Forwards a TCP port of the host to one of the guest. */
  async forwardPort(hostPort = 8080, guestPort = 80): Promise<void> {
    await this.sendMonitorCommand(
      `hostfwd_add tcp::${Number(hostPort)}-:${Number(guestPort)}`,
    );
  }

  /** Unplugs the cable to the other machines. */
  async block(): Promise<void> {
    await this.#setLink(false);
  }

  /** Plugs the cable in again that {@linkcode block} pulled. */
  async unblock(): Promise<void> {
    await this.#setLink(true);
  }

  /**
   * Sends a command to QEMU's human monitor.
   *
   * @returns What the monitor answers.
   */
  async sendMonitorCommand(command: string): Promise<string> {
    return await this.#guarded(() =>
      this.qmpClient.send("human-monitor-command", { "command-line": command })
    ) as string;
  }

  /**
   * Waits for a QMP event that `filter` accepts.
   *
   * @param options.timeout Seconds to wait at most; 600 by default.
   */
  waitForQmpEvent(
    filter: (event: QmpEvent) => boolean,
    options: WaitOptions = {},
  ): Promise<QmpEvent> {
    return this.#watched((signal) =>
      this.#guarded(() =>
        this.qmpClient.waitForEvent(filter, { ...options, signal })
      )
    );
  }

  /**
   * How to reach the guest's ssh backdoor over vsock.
   *
   * @param index The guest's vsock number.
   */
  sshBackdoorCommand(index: number): string {
    return `ssh -o User=root vsock/${index}`;
  }

  /** The machine's kind and name. */
  toString(): string {
    return `<Machine '${this.name}'>`;
  }

  // What the methods above are made of

  get #log(): Log {
    return this.#context.log;
  }

  get #attributes(): Attributes {
    return { machine: this.name };
  }

  #nested<T>(
    text: string,
    fn: () => Promise<T>,
    attributes: Attributes = {},
  ): Promise<T> {
    return this.#log.nested(text, fn, { ...this.#attributes, ...attributes });
  }

  #watched<T>(fn: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#context.watch(fn);
  }

  #running(): Boot {
    if (this.#boot !== undefined) return this.#boot;
    throw new MachineError(`${this.name} is not running`);
  }

  /** Runs `fn`; where the machine breaks in it, says how, and what came last. */
  async #guarded<T>(fn: () => Promise<T>): Promise<T> {
    const ended = this.#ended;
    try {
      return await fn();
    } catch (error) {
      if (!(error instanceof ShellLost || error instanceof QmpClosed)) {
        throw error;
      }
      // The channels break a moment before it is known why.
      const how = await Promise.race([
        ended,
        new Promise<void>((resolve) => setTimeout(resolve, 500)),
      ]);
      const reason = how === undefined
        ? error.message
        : `${this.name} ended: ${how}`;
      const tail = this.#console.tail(TAIL).join("\n");
      throw new MachineError(
        tail === "" ? reason : `${reason}\nits console said last:\n${tail}`,
        { cause: error },
      );
    }
  }

  #run(
    command: string,
    options: {
      timeout?: number | null;
      stderr?: "serial" | "merge";
      onStdout?: (chunk: Uint8Array) => void;
      signal?: AbortSignal;
    } = {},
  ): Promise<RunResult> {
    checkTimeout(options.timeout);
    return this.#watched(async (signal) => {
      await this.#connect();
      return await this.#guarded(() =>
        this.#running().shell.run(command, {
          ...options,
          timeout: options.timeout ?? undefined,
          signal: options.signal === undefined
            ? signal
            : AbortSignal.any([signal, options.signal]),
        })
      );
    });
  }

  /** Runs a command of our own that must succeed. */
  async #demand(command: string): Promise<void> {
    const { status, stdout } = await this.#run(command, { stderr: "merge" });
    if (status !== 0) {
      throw new TestFailure(
        `command \`${command}\` failed (exit code ${status})` +
          lastOutput(decode([stdout])),
      );
    }
  }

  /** What a command sees right now, for the message of a failure. */
  async #observe(command: string): Promise<string> {
    const { stdout } = await this.#run(command, { timeout: 5 });
    return decode([stdout]).trimEnd();
  }

  #waitFor(
    text: string,
    condition: string,
    options: WaitOptions,
    { seen, seconds = LOOK_INTERVAL }: { seen: string; seconds?: number },
  ): Promise<void> {
    const { timeout = DEFAULT_TIMEOUT } = options;
    return this.#nested(text, async () => {
      const { status, timedOut } = await this.#run(
        untilHolds(condition, seconds),
        { timeout },
      );
      if (status === 0) return;
      const how = timedOut
        ? `timed out after ${timeout} seconds`
        : `ended with status ${status}`;
      throw new TestFailure(
        `${text} ${how}; last seen:\n${await this.#observe(seen)}`,
      );
    });
  }

  /** Waits until what a loop in the guest reports, NUL after NUL, fits. */
  #waitForReport(
    text: string,
    failure: string,
    loop: string,
    accept: (report: string) => boolean,
    options: WaitOptions,
  ): Promise<void> {
    const { timeout = DEFAULT_TIMEOUT } = options;
    return this.#nested(text, async () => {
      const found = new AbortController();
      const decoder = new TextDecoder();
      let report = "";
      let last = "nothing";
      try {
        await this.#run(loop, {
          timeout,
          signal: found.signal,
          onStdout: (chunk) => {
            const reports = (report + decoder.decode(chunk, { stream: true }))
              .split("\0");
            report = reports.pop()!;
            for (last of reports) if (accept(last)) found.abort(FOUND);
          },
        });
      } catch (error) {
        if (error === FOUND) return;
        throw error;
      }
      throw new TestFailure(
        `${failure} in ${timeout} seconds; last seen:\n${last}`,
      );
    });
  }

  /** Asks again and again, at a pace set by what asking costs. */
  #retry<T>(
    text: string,
    failure: string,
    ask: () => Promise<T>,
    accept: (answer: T) => boolean,
    options: WaitOptions,
  ): Promise<void> {
    const { timeout = DEFAULT_TIMEOUT } = options;
    checkTimeout(timeout);
    return this.#watched((signal) =>
      this.#nested(text, async () => {
        const began = performance.now();
        while (true) {
          const asked = performance.now();
          const answer = await ask();
          if (accept(answer)) return;
          const now = performance.now();
          if (now - began > timeout * 1000) {
            throw new TestFailure(
              `${failure} in ${timeout} seconds; last seen:\n${
                typeof answer === "string" ? answer : JSON.stringify(answer)
              }`,
            );
          }
          await abortableDelay(Math.max(50, now - asked), signal);
        }
      })
    );
  }

  #repeat(
    what: string,
    command: string,
    options: WaitOptions,
    accept: (status: number) => boolean,
  ): Promise<string> {
    const { timeout = DEFAULT_TIMEOUT } = options;
    checkTimeout(timeout);
    return this.#watched((signal) =>
      this.#nested(`waiting for ${what}: ${command}`, async () => {
        const began = performance.now();
        while (true) {
          const asked = performance.now();
          const left = timeout - (asked - began) / 1000;
          const result = await this.#run(command, {
            timeout: Math.max(0, left),
          });
          const output = decode([result.stdout]);
          if (accept(result.status) && !result.timedOut) return output;
          const now = performance.now();
          if (result.timedOut || now - began > timeout * 1000) {
            throw new TestFailure(
              `waiting for ${what} of \`${command}\` timed out after ` +
                `${timeout} seconds; its last status was ${result.status}` +
                lastOutput(output),
            );
          }
          // Never more than a small share of the guest's time, and never long.
          const pauseFor = Math.min(1000, Math.max(50, 4 * (now - asked)));
          await abortableDelay(pauseFor, signal);
        }
      })
    );
  }

  async #screendump(path: string): Promise<void> {
    await this.#guarded(() =>
      this.qmpClient.send("screendump", {
        filename: path.startsWith("/") ? path : `${Deno.cwd()}/${path}`,
        format: "png",
      })
    );
  }

  async #withScreen<T>(fn: (path: string) => Promise<T>): Promise<T> {
    const path = `${this.stateDir}/screen-${crypto.randomUUID()}.png`;
    try {
      await this.#screendump(path);
      return await fn(path);
    } finally {
      await Deno.remove(path).catch(() => {});
    }
  }

  /** Lends a new directory that the host and the guest share. */
  async #withSharedDirectory(
    fn: (host: string, guest: string) => Promise<void>,
  ): Promise<void> {
    await this.connect();
    const host = await Deno.makeTempDir({ dir: this.sharedDir });
    try {
      await fn(host, `/tmp/shared/${baseName(host)}`);
    } finally {
      await Deno.remove(host, { recursive: true });
    }
  }

  async #setLink(up: boolean): Promise<void> {
    await this.#guarded(() =>
      this.qmpClient.send("set_link", { name: "virtio-net-pci.1", up })
    );
  }
}

offerSnakeCase(BaseMachine.prototype);

/** A machine, by its names in camelCase and in snake_case. */
export type Machine = BaseMachine & SnakeCased<BaseMachine>;

const FOUND = Symbol("what was waited for was found");

/** Who listens on TCP ports, for the message of a failure. */
const LISTENERS =
  "{ command -v ss >/dev/null && ss -tln; } || cat /proc/net/tcp /proc/net/tcp6";

const WINDOW_NAMES =
  `xwininfo -root -tree | sed 's/.*0x[0-9a-f]* \\"\\([^\\"]*\\)\\".*/\\1/; t; d'`;

/** Whether a TCP port takes connections: a builtin of bash. */
function portOpen(port: number, addr: string): string {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new UsageError(`Expected a TCP port from 0 to 65535, got ${port}`);
  }
  const tries = (addr === "localhost" ? ["127.0.0.1", "::1"] : [addr]).map((
    host,
  ) => `{ : 3<>${shellQuote(`/dev/tcp/${host}/${port}`)}; } 2>/dev/null`);
  return `{ ${tries.join(" || ")}; }`;
}

function ttyName(tty: string | number): string {
  if (!/^\d+$/.test(String(tty))) {
    throw new UsageError(`Expected a virtual terminal's number, got "${tty}"`);
  }
  return String(tty);
}

function checkTimeout(timeout: number | null | undefined): void {
  if (timeout === undefined || timeout === null || timeout >= 0) return;
  throw new UsageError(
    `Expected a timeout of zero or more seconds, got ${timeout}`,
  );
}

function splitOptions(
  args: (string | CommandOptions)[],
): [string[], CommandOptions] {
  const last = args.at(-1);
  const options = typeof last === "object" ? last : {};
  const texts = typeof last === "object" ? args.slice(0, -1) : args;
  for (const text of texts) {
    if (typeof text !== "string") {
      throw new UsageError(
        `Expected commands as strings and options last, got ${typeof text}`,
      );
    }
  }
  return [texts as string[], options];
}

function lastOutput(output: string): string {
  const lines = output.trimEnd().split("\n");
  if (output.trim() === "") return "";
  return `; its output ended with:\n${lines.slice(-TAIL).join("\n")}`;
}

function decode(chunks: Uint8Array[]): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  for (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() =>
      signal.removeEventListener("abort", abort)
    );
  });
}

function abortableDelay(ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout>;
  return orAbort(
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
    signal,
  ).finally(() => clearTimeout(timer));
}
