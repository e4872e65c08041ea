import { limitOf } from "../time/mod.ts";
import { compilePattern } from "../console/mod.ts";
import {
  type CommandArguments,
  execute,
  type ExecuteOptions,
  fail,
  repeat,
  succeed,
} from "./commands/commands.ts";
import { type BackendName, StartCommand } from "../backend/mod.ts";
import { refuseSpecial } from "./capabilities.ts";
import type { MachineCore } from "./core.ts";
import {
  copyFromHost,
  copyFromHostViaShell,
  copyFromMachine,
} from "./files/files.ts";
import {
  type PortOptions,
  waitForClosedPort,
  waitForOpenPort,
} from "./waits/ports.ts";
import { offerSnakeCase, type SnakeCased } from "./snake_case.ts";
import { type WaitOptions, waitOptions } from "./waits/timeout.ts";
import { getTtyText, ttyNumber } from "./hands/tty.ts";
import {
  getUnitInfo,
  getUnitProperty,
  requireUnitState,
  systemctlCommand,
  type UnitOptions,
  waitForUnit,
} from "./waits/units.ts";
import { waitForOpenUnixSocket } from "./waits/unix_sockets.ts";
import { askUntil, waitForFile } from "./waits/waits.ts";
import { getWindowNames, waitForWindow, waitForX } from "./hands/windows.ts";

/** What a machine is made of: for the rooms that serve a test, not for its author. */
export let coreOf: (machine: BaseMachine) => MachineCore;

/**
 * A machine under test, and what all machines can do: a guest that can be started,
 * commanded and watched. Every method has its NixOS name in snake_case too.
 *
 * Durations are seconds; a number in place of a wait's options is its timeout.
 * Methods that wait or demand reject with `TestFailure` when what they ask for
 * does not hold, with `MachineError` when the machine itself breaks meanwhile,
 * and with `UsageError` for patterns, options and timeouts that are none.
 */
export abstract class BaseMachine implements AsyncDisposable {
  readonly #core: MachineCore;

  static {
    coreOf = (machine) => machine.#core;
    refuseSpecial(this.prototype, (machine: BaseMachine) => machine.#core);
    offerSnakeCase(this.prototype);
    // All that there is to see is private.
    Object.defineProperty(this.prototype, Symbol.for("Deno.customInspect"), {
      value: this.prototype.toString,
    });
  }

  /** Takes what all that it offers is made of. */
  protected constructor(core: MachineCore) {
    this.#core = core;
  }

  // Facts

  /** What runs the machine, by its name in configurations. */
  abstract readonly backend: BackendName;

  /** The machine's name. */
  get name(): string {
    return this.#core.name;
  }

  /**
   * The directory of the machine's own files on the host. Before a start it can
   * be made another: that of the machine whose disk this one goes on with.
   *
   * @throws {UsageError} where it is set while the machine runs.
   */
  get stateDir(): string {
    return this.#core.stateDir;
  }

  set stateDir(directory: string) {
    this.#core.stateDir = directory;
  }

  /**
   * The directory that all machines share with the host, `/tmp/shared` in
   * guests. They may change everything in it at any moment, also into links that
   * lead elsewhere: for what a guest made, {@linkcode copyFromMachine} is safe.
   */
  get sharedDir(): string {
    return this.#core.context.sharedDir;
  }

  /** Where screenshots and copied files go. */
  get outDir(): string {
    return this.#core.context.outDir;
  }

  /**
   * The start script's path, or command line. It can be made another, for the
   * next start.
   *
   * @throws {UsageError} where it is set to nothing.
   */
  get startCommand(): string {
    return this.#core.startCommand.text;
  }

  set startCommand(text: string) {
    this.#core.startCommand = new StartCommand(text);
  }

  /** Whether the guest runs. */
  get booted(): boolean {
    return this.#core.booted;
  }

  /** Whether the guest's shell takes commands. */
  get connected(): boolean {
    return this.#core.connected;
  }

  /** The process of the start command; `undefined` while nothing runs. */
  get pid(): number | undefined {
    return this.#core.pid;
  }

  /**
   * How the process of a start has ended.
   *
   * @param pid That process, as {@linkcode pid} was while it ran.
   * @returns Its end, or nothing while it runs.
   */
  exitStatus(pid: number): Deno.CommandStatus | undefined {
    return this.#core.exitStatus(pid);
  }

  // Life

  /**
   * Starts the machine, and does not wait until its guest has booted. A
   * machine that runs is left alone.
   *
   * @param options.allowReboot Whether the guest may reboot; without, a reset
   * ends it.
   * @param options.fastForward Whether the guest's time passes at once where the
   * guest waits for it: a timer of an hour is over in seconds, and the guest's
   * clock runs ahead. For guests of QEMU's without KVM, of one processor.
   * @throws {MachineError} where QEMU does not come up, or can't do that.
   */
  start(
    options: { allowReboot?: boolean; fastForward?: boolean } = {},
  ): Promise<void> {
    return this.#core.start(options);
  }

  /**
   * Waits until the guest's shell takes commands, starting the machine where
   * it does not run. Every method that runs commands does so itself.
   *
   * @throws {MachineError} where the guest dies first.
   */
  connect(): Promise<void> {
    if (this.connected) return Promise.resolve();
    return this.#core.ready();
  }

  /** Whether the guest runs and its shell is connected. */
  isUp(): boolean {
    return this.booted && this.connected;
  }

  /** Powers the guest off and waits until it is gone. */
  async shutdown(): Promise<void> {
    if (!this.booted) return;
    await this.#core.ready();
    await this.#core.guarded(() => this.#core.running().shell.send("poweroff"));
    await this.waitForShutdown();
  }

  /** Ends the guest at once, as a power failure does. */
  async crash(): Promise<void> {
    if (!this.booted) return;
    this.#core.log.info("forced crash", this.#core.attributes);
    await this.#core.running().guest.crash();
    await this.waitForShutdown();
  }

  /**
   * Has the guest reboot. The next command waits for the new boot.
   *
   * @throws {UsageError} where a reboot would end the machine.
   * @throws {MachineError} while the machine is not running.
   */
  abstract reboot(): Promise<void>;

  /**
   * Takes the guest's shell for gone: the next command waits until there is one
   * again. For what starts the guest's system anew behind the driver's back, as
   * `kexec` does.
   */
  disconnect(): void {
    if (!this.booted) return;
    this.#core.lose(`${this.name} was disconnected`);
    this.#core.running().guest.hangUp?.();
  }

  /**
   * Waits until the guest has ended by itself.
   *
   * @param options.timeout Seconds to wait at most; no limit by default.
   * @throws {TestFailure} when the time has passed.
   */
  async waitForShutdown(options: WaitOptions | number = {}): Promise<void> {
    const timeout = limitOf(waitOptions(options).timeout, Infinity);
    if (!this.booted) return;
    await this.#core.watched((signal) =>
      this.#core.waitForPowerOff(signal, timeout)
    );
  }

  /** Ends the guest, whatever it does, and waits until it is gone. */
  release(): Promise<void> {
    return this.#core.release();
  }

  /** Ends the guest, and closes its console's log. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#core.close();
  }

  /**
   * Goes on from stage 1 to stage 2 of a guest whose initrd runs the backdoor,
   * and connects anew.
   */
  async switchRoot(): Promise<void> {
    await this.waitForUnit("initrd.target");
    await this.#core.running().shell.send(
      "systemctl isolate --no-block initrd-switch-root.target " +
        ">/dev/null 2>&1 </dev/null",
    );
    this.#core.lose(`${this.name} switches its root`);
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
  execute(
    command: string,
    options: ExecuteOptions = {},
  ): Promise<[status: number, stdout: string]> {
    return execute(this.#core, command, options);
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
  succeed(...commands: CommandArguments): Promise<string> {
    return succeed(this.#core, commands);
  }

  /**
   * Like {@linkcode succeed}, for commands that must fail.
   *
   * @throws {TestFailure} for a status of zero.
   */
  fail(...commands: CommandArguments): Promise<string> {
    return fail(this.#core, commands);
  }

  /**
   * Runs a command again and again until it succeeds.
   *
   * @returns What its last run wrote to stdout.
   * @throws {TestFailure} when the time has passed.
   */
  async waitUntilSucceeds(
    command: string,
    options: WaitOptions | number = {},
  ): Promise<string> {
    return await repeat(this.#core, "success", command, waitOptions(options));
  }

  /** Like {@linkcode waitUntilSucceeds}, until the command fails. */
  async waitUntilFails(
    command: string,
    options: WaitOptions | number = {},
  ): Promise<string> {
    return await repeat(this.#core, "failure", command, waitOptions(options));
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
   * Waits until a systemd unit is active, also over restarts of the manager.
   *
   * @throws {TestFailure} at once where the unit has failed, is not found, is
   * masked, does not meet its own conditions, or is inactive with no job pending;
   * else when the time has passed.
   */
  async waitForUnit(
    unit: string,
    options: UnitOptions | number = {},
  ): Promise<void> {
    return await waitForUnit(this.#core, unit, waitOptions(options));
  }

  /**
   * The properties of a unit, as `systemctl show` prints them.
   *
   * @throws {TestFailure} where systemctl fails.
   */
  getUnitInfo(
    unit: string,
    user?: string,
  ): Promise<Record<string, string>> {
    return getUnitInfo(this.#core, unit, user);
  }

  /**
   * One property of a unit.
   *
   * @throws {TestFailure} where systemctl fails or does not know the property.
   */
  getUnitProperty(
    unit: string,
    property: string,
    user?: string,
  ): Promise<string> {
    return getUnitProperty(this.#core, unit, property, user);
  }

  /**
   * Demands that a unit is in a state right now; `active` by default.
   *
   * @throws {TestFailure} where it is in another.
   */
  requireUnitState(unit: string, requireState = "active"): Promise<void> {
    return requireUnitState(this.#core, unit, requireState);
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
  async waitForFile(
    filename: string,
    options: WaitOptions | number = {},
  ): Promise<void> {
    return await waitForFile(this.#core, filename, waitOptions(options));
  }

  /**
   * Waits until somebody listens on a TCP port.
   *
   * @throws {TestFailure} when the time has passed, with who listens instead.
   */
  async waitForOpenPort(
    port: number,
    options: PortOptions | number = {},
  ): Promise<void> {
    return await waitForOpenPort(this.#core, port, waitOptions(options));
  }

  /**
   * Waits until nobody listens on a TCP port: a connection is refused, or three
   * in a row are not answered within a second.
   *
   * @throws {TestFailure} when the time has passed.
   */
  async waitForClosedPort(
    port: number,
    options: PortOptions | number = {},
  ): Promise<void> {
    return await waitForClosedPort(this.#core, port, waitOptions(options));
  }

  /**
   * Waits until somebody listens on a UNIX socket.
   *
   * @param addr A path, or the name of an abstract socket after an `@`.
   * @param options.isDatagram Whether it is a datagram socket; a stream by
   * default.
   */
  async waitForOpenUnixSocket(
    addr: string,
    options: (WaitOptions & { isDatagram?: boolean }) | number = {},
  ): Promise<void> {
    return await waitForOpenUnixSocket(this.#core, addr, waitOptions(options));
  }

  // Console

  /**
   * Waits until the serial console's text matches.
   *
   * Counted from where the last successful wait ended, so what came before the
   * call matches too; at the first from the boot on. It does not start the
   * machine. Once the console has been quiet for 0.2 seconds, `$` matches at the
   * end of what was said: `/login: $/` finds a prompt. The kernel may write in the
   * middle of another's line, and what it cuts in two does not match.
   *
   * Whoever waits for the text of a guest's death, such as "Kernel panic", means
   * it: further waits for the console go on.
   *
   * @param regex A regular expression, as such or as its source.
   * @param options.timeout Seconds to wait at most; no limit by default.
   * @throws {TestFailure} when the time has passed.
   */
  async waitForConsoleText(
    regex: RegExp | string,
    options: WaitOptions | number = {},
  ): Promise<void> {
    return await this.#core.watched((signal) =>
      this.#core.nested(
        `waiting for ${regex} to appear on console`,
        async () => {
          await this.#core.waitForConsole(regex, {
            ...waitOptions(options),
            signal,
          });
        },
      )
    );
  }

  /** All of the serial console since the boot, as lines. */
  getConsoleLog(): string {
    return this.#core.console.text();
  }

  /** Types on the serial console. */
  async sendConsole(chars: string): Promise<void> {
    await this.#core.running().guest.writeSerial(chars);
  }

  // Virtual terminals

  /** What a virtual terminal shows, a line to a row. */
  getTtyText(tty: string | number): Promise<string> {
    return getTtyText(this.#core, tty);
  }

  /**
   * Waits until what a virtual terminal shows matches.
   *
   * @throws {TestFailure} when the time has passed, with what it shows.
   */
  async waitUntilTtyMatches(
    tty: string | number,
    regexp: RegExp | string,
    options: WaitOptions | number = {},
  ): Promise<void> {
    const pattern = compilePattern(regexp);
    return await askUntil(
      this.#core,
      `waiting for ${regexp} to appear on tty ${tty}`,
      `/${pattern.source}/ did not appear on tty ${tty}`,
      (check) => getTtyText(this.#core, tty, check),
      (text) => pattern.test(text),
      waitOptions(options),
    );
  }

  /** Writes what a virtual terminal shows into the guest's journal. */
  async dumpTtyContents(tty: string | number): Promise<void> {
    await this.execute(`fold -w 80 /dev/vcs${ttyNumber(tty)} | systemd-cat`);
  }

  // Windows

  /** Waits until the X server can be connected to. */
  async waitForX(options: WaitOptions | number = {}): Promise<void> {
    return await waitForX(this.#core, waitOptions(options));
  }

  /** The names of all X11 windows. */
  getWindowNames(): Promise<string[]> {
    return getWindowNames(this.#core);
  }

  /**
   * Waits until an X11 window has a name that matches.
   *
   * @throws {TestFailure} when the time has passed, with the names there were.
   */
  async waitForWindow(
    regexp: RegExp | string,
    options: WaitOptions | number = {},
  ): Promise<void> {
    return await waitForWindow(this.#core, regexp, waitOptions(options));
  }

  // Files

  /**
   * Copies a file or a tree from the host into the guest, with modes, times and
   * hard links; all of it is root's. Of symbolic links, what they lead to is
   * copied; those that lead nowhere stay links. A warning names what is left out:
   * devices, pipes and sockets, what may not be read, and what has a name that is
   * not UTF-8.
   *
   * @param source The path on the host.
   * @param target The path in the guest. Where that is a directory, the copy is
   * in it, under the source's name; a file's is also where the path ends in a
   * slash. Directories on the way are made. A tree takes `tar` in the guest.
   * @throws {UsageError} where links lead in a circle.
   * @throws {MachineError} where the guest moves or replaces the file in the
   * shared directory that the copy goes through.
   */
  copyFromHost(source: string, target: string): Promise<void> {
    return copyFromHost(this.#core, source, target);
  }

  /**
   * Copies a file from the host into the guest over the command channel, for
   * guests without the shared directory.
   *
   * @param source The path on the host.
   * @param target The path in the guest, as of {@linkcode copyFromHost}.
   * @throws {UsageError} for what is no file, such as a directory.
   */
  copyFromHostViaShell(source: string, target: string): Promise<void> {
    return copyFromHostViaShell(this.#core, source, target);
  }

  /**
   * Copies a file or a tree from the guest into the output directory, with
   * modes, times and links; a link that is named itself is followed. A warning
   * names what is left out: devices, pipes and sockets, names that are not
   * UTF-8, and the bits setuid and setgid.
   *
   * @param source The path in the guest. A tree takes `tar` in the guest.
   * @param targetDir A directory below the output directory, which is itself
   * the default, or a path from the host's root on. It is made where it is
   * missing.
   * @throws {UsageError} where the run's own logs and reports would be replaced,
   * where a link leads out of the output directory, or for a device, a pipe or a
   * socket.
   * @throws {MachineError} where the guest moves or replaces the file in the
   * shared directory that the copy goes through.
   * @throws {TypeError} where a guest sends what is no archive of a tree, or not
   * the whole of one.
   */
  copyFromMachine(source: string, targetDir = ""): Promise<void> {
    return copyFromMachine(this.#core, source, targetDir);
  }

  /** The older name of {@linkcode copyFromMachine}. */
  copyFromVm(source: string, targetDir = ""): Promise<void> {
    return this.copyFromMachine(source, targetDir);
  }

  // By hand

  /**
   * Connects a shell in the guest with the terminal that the test was started
   * at: with job control, Ctrl-C, full-screen programs and the terminal's size,
   * also when that changes. `exit` or Ctrl-] leaves it, and the test goes on.
   *
   * @param address Connects the shell with a socket instead:
   * `unix-listen:PATH` or `tcp-listen:PORT` (on the loopback interface) wait
   * for a connection, `unix-connect:PATH` or `tcp:HOST:PORT` make one.
   * @throws {UsageError} where there is no terminal, or no such address.
   * @throws {MachineError} where the guest can't have a terminal: a container
   * needs a `script`, of its own or of the store that it shares with the host.
   *
   * @example
   * ```ts
   * await machine.shellInteract("unix-listen:/tmp/web.sock");
   * // socat file:$(tty),raw,echo=0 unix-connect:/tmp/web.sock
   * ```
   */
  async shellInteract(address?: string): Promise<void> {
    const { shellInteract } = await import("./hands/interact.ts");
    await shellInteract(this.#core, address);
  }

  /**
   * Connects the serial console with the terminal that the test was started at.
   * Ctrl-D or Ctrl-] leaves it, and the test goes on.
   *
   * @throws {UsageError} where there is no terminal.
   * @throws {MachineError} while the machine is not running.
   */
  async consoleInteract(): Promise<void> {
    const { consoleInteract } = await import("./hands/interact.ts");
    await consoleInteract(this.#core);
  }

  /**
   * How to reach the guest's ssh backdoor: over vsock, or over the socket that the
   * systemd of a container listens on.
   *
   * @param index The guest's vsock number, where its start script gives it one;
   * of no matter where the driver does, and in a container.
   * @throws {UsageError} where there is none: neither is a number given, of which
   * guests have those from 3 up, nor has the driver the option `sshBackdoor`.
   */
  sshBackdoorCommand(index?: number): string {
    const { backend, vsock } = this.#core.context;
    return backend.kind.sshCommand({
      name: this.name,
      index,
      vsock: vsock?.host,
    });
  }

  /** The machine's kind and name. */
  toString(): string {
    return `<Machine '${this.name}'>`;
  }
}

/** A machine of some kind, by its names in camelCase and in snake_case. */
export type Machine<Kind extends BaseMachine = BaseMachine> =
  & Kind
  & SnakeCased<Kind>;
