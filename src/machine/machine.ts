import { limitOf } from "../time/mod.ts";
import { compilePattern } from "../console/mod.ts";
import {
  execute,
  type ExecuteOptions,
  fail,
  repeat,
  succeed,
} from "./commands/commands.ts";
import {
  type BackendName,
  type Capabilities,
  StartCommand,
} from "../backend/mod.ts";
import { refuseSpecial } from "./capabilities.ts";
import type { MachineCore } from "./core.ts";
import {
  copyFromHost,
  copyFromHostViaShell,
  copyFromMachine,
} from "./files/files.ts";
import type { Fault } from "./faults.ts";
import { limitCpu } from "./limited_cpu.ts";
import { waitForConsoleText } from "./waits/console_text.ts";
import { waitForClosedPort, waitForOpenPort } from "./waits/ports.ts";
import { offerSnakeCase, type SnakeCased } from "./snake_case.ts";
import { type WaitOptions, waitOptions } from "./waits/timeout.ts";
import { screenshot, screenText, waitForScreen } from "./hands/screen.ts";
import { getTtyText, ttyNumber } from "./hands/tty.ts";
import {
  getUnitInfo,
  getUnitProperty,
  requireUnitState,
  systemctlCommand,
  waitForUnit,
} from "./waits/units.ts";
import { waitForOpenUnixSocket } from "./waits/unix_sockets.ts";
import { askUntil, waitForFile } from "./waits/waits.ts";
import { getWindowNames, waitForWindow, waitForX } from "./hands/windows.ts";

/** What a machine is made of: for the rooms that serve a test, not for its author. */
export let coreOf: (machine: BaseMachine) => MachineCore;

/** Whether a machine's hypervisor gives all of its guests this. */
export function gives(machine: BaseMachine, what: keyof Capabilities): boolean {
  return coreOf(machine).context.backend.kind.gives.has(what);
}

/**
 * A machine under test, with the methods that all kinds of machines have. Every
 * method also has its NixOS name in snake_case.
 *
 * Durations are seconds; a number in place of a wait's options is its timeout.
 * Methods that wait or demand something reject with `TestFailure` if it does
 * not hold, with `MachineError` if the machine itself breaks meanwhile, and
 * with `UsageError` if a pattern, an option or a timeout is not valid.
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

  /** Takes the core of the machine. */
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
   * be set to that of another machine, whose disks this one then uses.
   *
   * @throws {UsageError} if it is set while the machine runs.
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
   * The start script's path, or command line. A new value counts from the next
   * start on.
   *
   * @throws {UsageError} if it is set to an empty string.
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
   * Starts the machine, without waiting until its guest has booted. Does
   * nothing if the machine runs.
   *
   * @param options.allowReboot Whether the guest may reboot. Otherwise a reset
   * ends it. Default: false.
   * @param options.fastForward Whether the guest's time passes at once while
   * the guest is idle: a timer of an hour ends in seconds, and the guest's
   * clock runs ahead. Only for guests of QEMU without KVM and with one
   * processor.
   * @throws {MachineError} if the hypervisor does not come up, or can't
   * fast-forward time.
   */
  start(
    options: { allowReboot?: boolean; fastForward?: boolean } = {},
  ): Promise<void> {
    return this.#core.start(options);
  }

  /**
   * Waits until the guest's shell takes commands, and starts the machine if it
   * does not run. Every method that runs commands does this itself.
   *
   * @throws {MachineError} if the guest dies first.
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
   * Reboots the guest. The next command waits for the new boot.
   *
   * @throws {UsageError} if a reboot would end the machine.
   * @throws {MachineError} if the machine is not running.
   */
  abstract reboot(): Promise<void>;

  /**
   * Drops the connection to the guest's shell: the next command waits until
   * there is a shell again. Use it when something that the driver can't see
   * restarts the guest's system, such as `kexec`.
   */
  disconnect(): void {
    if (!this.booted) return;
    this.#core.lose(`${this.name} was disconnected`);
    this.#core.running().guest.hangUp?.();
  }

  /**
   * Waits until the guest has ended by itself.
   *
   * @param options.timeout Seconds to wait at most; `null`: no limit. Default:
   * `null`.
   * @throws {TestFailure} if the time passes first.
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
   * Lets a guest whose initrd runs the backdoor go on from stage 1 to stage 2,
   * and connects again.
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
   * The serial console gets stderr. This returns when the command is done, even
   * if a child of it keeps stdout open.
   *
   * @param command The command.
   * @param options.timeout Seconds until the driver ends the command's process
   * group, and the status is 124; `null`: no limit. Default: 900.
   * @param options.checkReturn `false`: the status is always -1. Use it for a
   * command that takes the guest down.
   * @param options.checkOutput `false`: do not wait for the command at all.
   * @returns The exit status and what it wrote to stdout.
   * @throws {MachineError} if the guest dies meanwhile.
   */
  execute(
    command: string,
    options: ExecuteOptions = {},
  ): Promise<[status: number, stdout: string]> {
    return execute(this.#core, command, options);
  }

  /**
   * Runs commands one after the other. Each of them must succeed.
   *
   * @param commands Commands, and maybe options at the end: `timeout` is the
   * seconds that each command may take; `null`, the default, is no limit.
   * @returns What they wrote to stdout, joined.
   * @throws {TestFailure} if a status is not zero. The message quotes the
   * output.
   *
   * @example
   * ```ts
   * await machine.succeed("systemctl reload nginx", { timeout: 10 });
   * ```
   */
  succeed(
    ...commands:
      | string[]
      | [...commands: string[], options: { timeout?: number | null }]
  ): Promise<string> {
    return succeed(this.#core, commands);
  }

  /**
   * Like {@linkcode succeed}, but each command must fail.
   *
   * @throws {TestFailure} if a status is zero.
   */
  fail(
    ...commands:
      | string[]
      | [...commands: string[], options: { timeout?: number | null }]
  ): Promise<string> {
    return fail(this.#core, commands);
  }

  /**
   * Runs a command again and again until it succeeds.
   *
   * @returns The stdout of the last run.
   * @throws {TestFailure} if the time passes first.
   */
  async waitUntilSucceeds(
    command: string,
    options: WaitOptions | number = {},
  ): Promise<string> {
    return await repeat(this.#core, "success", command, waitOptions(options));
  }

  /** Like {@linkcode waitUntilSucceeds}, but until the command fails. */
  async waitUntilFails(
    command: string,
    options: WaitOptions | number = {},
  ): Promise<string> {
    return await repeat(this.#core, "failure", command, waitOptions(options));
  }

  /** Waits until `seconds` of the guest's time have passed. */
  async sleep(seconds: number): Promise<void> {
    await this.succeed(`sleep ${Number(seconds)}`);
  }

  /**
   * Leaves the guest a part of its processors' time, by control groups in the
   * guest. All of its processes share that part, also the commands of the test
   * and the driver's shell. Of several limits, the smallest holds. A new boot
   * ends them.
   *
   * With systemd, each of the slices `system`, `user` and `machine` gets that
   * part, in whole percents of a processor, and systemd itself is not limited.
   *
   * @param share The part that is left, from 0.01 to below 1: 0.2 is a fifth of
   * the time of all of its processors.
   * @returns The fault, which ends this.
   * @throws {UsageError} if the share is not valid.
   * @throws {TestFailure} if the guest's kernel has no control groups for
   * processor time (`CONFIG_CFS_BANDWIDTH`).
   */
  limitCpu(share: number): Promise<Fault> {
    return limitCpu(this.#core, share);
  }

  // systemd

  /**
   * Runs `systemctl`; if there is a `user`, runs `systemctl --user` for that
   * user.
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
   * Waits until a systemd unit is active. The wait goes on over restarts of the
   * manager.
   *
   * @param unit The unit's name.
   * @param options.user The user whose manager has the unit. Default: none, the
   * system's manager.
   * @throws {TestFailure} at once if the unit has failed, does not exist, is
   * masked, does not meet its own conditions, or is inactive without a pending
   * job; otherwise if the time passes first.
   */
  async waitForUnit(
    unit: string,
    options: (WaitOptions & { user?: string }) | number = {},
  ): Promise<void> {
    return await waitForUnit(this.#core, unit, waitOptions(options));
  }

  /**
   * Gets the properties of a unit, as `systemctl show` prints them.
   *
   * @throws {TestFailure} if systemctl fails.
   */
  getUnitInfo(
    unit: string,
    user?: string,
  ): Promise<Record<string, string>> {
    return getUnitInfo(this.#core, unit, user);
  }

  /**
   * Gets one property of a unit.
   *
   * @throws {TestFailure} if systemctl fails, or does not know the property.
   */
  getUnitProperty(
    unit: string,
    property: string,
    user?: string,
  ): Promise<string> {
    return getUnitProperty(this.#core, unit, property, user);
  }

  /**
   * Demands that a unit is in a state now; without a state, that it is
   * `active`.
   *
   * @throws {TestFailure} if it is in another state.
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
   * @param filename A path, which may have patterns and variables of the shell.
   * @throws {TestFailure} if the time passes first.
   */
  async waitForFile(
    filename: string,
    options: WaitOptions | number = {},
  ): Promise<void> {
    return await waitForFile(this.#core, filename, waitOptions(options));
  }

  /**
   * Waits until a process listens on a TCP port.
   *
   * @param port The port.
   * @param options.addr The address, as the guest sees it. Default:
   * `"localhost"`.
   * @throws {TestFailure} if the time passes first. The message tells which
   * ports are open.
   */
  async waitForOpenPort(
    port: number,
    options: (WaitOptions & { addr?: string }) | number = {},
  ): Promise<void> {
    return await waitForOpenPort(this.#core, port, waitOptions(options));
  }

  /**
   * Waits until no process listens on a TCP port: the guest refuses a
   * connection, or does not answer three in a row within a second each.
   *
   * @param port The port.
   * @param options.addr The address, as the guest sees it. Default:
   * `"localhost"`.
   * @throws {TestFailure} if the time passes first.
   */
  async waitForClosedPort(
    port: number,
    options: (WaitOptions & { addr?: string }) | number = {},
  ): Promise<void> {
    return await waitForClosedPort(this.#core, port, waitOptions(options));
  }

  /**
   * Waits until a process listens on a UNIX socket.
   *
   * @param addr A path, or the name of an abstract socket after an `@`.
   * @param options.isDatagram Whether it is a datagram socket. Default: false,
   * a stream.
   */
  async waitForOpenUnixSocket(
    addr: string,
    options: (WaitOptions & { isDatagram?: boolean }) | number = {},
  ): Promise<void> {
    return await waitForOpenUnixSocket(this.#core, addr, waitOptions(options));
  }

  // Console

  /**
   * Waits until text of the serial console matches.
   *
   * The search begins where the last successful wait ended, at first at the
   * boot. So text that came before the call matches too. This does not start
   * the machine. If the console has been quiet for 0.2 seconds, `$` matches at
   * the end of its text: `/login: $/` finds a prompt. The kernel may write in
   * the middle of a line of another program; then a pattern for that line does
   * not match.
   *
   * If a test waits for the text of the guest's death, such as "Kernel panic",
   * it expects the death: later waits for console text go on.
   *
   * @param regex A regular expression, or the source of one.
   * @param options.timeout Seconds to wait at most; `null`: no limit. Default:
   * `null`.
   * @throws {TestFailure} if the time passes first.
   */
  async waitForConsoleText(
    regex: RegExp | string,
    options: WaitOptions | number = {},
  ): Promise<void> {
    return await waitForConsoleText(this.#core, regex, waitOptions(options));
  }

  /** Gets all text of the serial console since the boot. */
  getConsoleLog(): string {
    return this.#core.console.text();
  }

  /** Types text on the serial console. */
  async sendConsole(chars: string): Promise<void> {
    await this.#core.running().guest.writeSerial(chars);
  }

  // Virtual terminals

  /** Gets the text on a virtual terminal, a line for each row. */
  getTtyText(tty: string | number): Promise<string> {
    return getTtyText(this.#core, tty);
  }

  /**
   * Waits until the text on a virtual terminal matches.
   *
   * @throws {TestFailure} if the time passes first. The message quotes the
   * text.
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

  /** Writes the text on a virtual terminal to the guest's journal. */
  async dumpTtyContents(tty: string | number): Promise<void> {
    await this.execute(`fold -w 80 /dev/vcs${ttyNumber(tty)} | systemd-cat`);
  }

  // Screen

  /**
   * Takes a picture of the screen, as PNG. QEMU gives its guests a screen. In
   * other guests a program takes the picture: `grim` of Wayland, `import` or
   * `xwd` of X, `fbcat` or `fbgrab` of the kernel's framebuffer.
   *
   * @param filename A name in the output directory, or a path. Without an
   * ending, it gets `.png`.
   * @throws {UsageError} if the path is that of one of the run's own logs and
   * reports.
   * @throws {MachineError} if there is no picture in 30 seconds, or if the
   * guest has no display or no program to take the picture.
   */
  screenshot(filename: string): Promise<void> {
    return screenshot(this.#core, filename);
  }

  /**
   * Reads the text on the screen by optical character recognition (tesseract).
   *
   * @throws {MachineError} as {@linkcode screenshot} does.
   */
  async getScreenText(): Promise<string> {
    return (await screenText(this.#core))[0];
  }

  /**
   * Reads the text on the screen in several ways. Returns at least one reading.
   *
   * @throws {MachineError} as {@linkcode screenshot} does.
   */
  getScreenTextVariants(): Promise<string[]> {
    return screenText(this.#core, { variants: true });
  }

  /**
   * Waits until one reading of the text on the screen matches. It reads a
   * screen that does not change only once, and waits for a guest that shows
   * nothing yet.
   *
   * @throws {TestFailure} if the time passes first. The message quotes the last
   * reading.
   */
  async waitForText(
    regex: RegExp | string,
    options: WaitOptions | number = {},
  ): Promise<void> {
    const pattern = compilePattern(regex);
    await waitForScreen(
      this.#core,
      (reading) => pattern.test(reading),
      `waiting for ${regex} to appear on screen`,
      `/${pattern.source}/ did not appear on the screen`,
      waitOptions(options),
    );
  }

  // Windows

  /** Waits until the X server takes connections. */
  async waitForX(options: WaitOptions | number = {}): Promise<void> {
    return await waitForX(this.#core, waitOptions(options));
  }

  /** Gets the names of all X11 windows. */
  getWindowNames(): Promise<string[]> {
    return getWindowNames(this.#core);
  }

  /**
   * Waits until the name of an X11 window matches.
   *
   * @throws {TestFailure} if the time passes first. The message lists the
   * names.
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
   * hard links. Root owns the copy. A symbolic link becomes a copy of its
   * target; a link that leads nowhere stays a link. The copy leaves out
   * devices, pipes, sockets, unreadable files, and files whose names are not
   * UTF-8; a warning lists them.
   *
   * @param source The path on the host.
   * @param target The path in the guest. If it is a directory, the copy goes
   * into it, under the source's name; for a file, this also holds if the path
   * ends in a slash. Missing directories above it are made. For a tree, the
   * guest needs `tar`.
   * @throws {UsageError} if links lead in a circle.
   * @throws {MachineError} if the guest moves or replaces the file in the
   * shared directory that carries the copy.
   */
  copyFromHost(source: string, target: string): Promise<void> {
    return copyFromHost(this.#core, source, target);
  }

  /**
   * Copies a file from the host into the guest over the command channel, for
   * guests without the shared directory.
   *
   * @param source The path on the host.
   * @param target The path in the guest, as for {@linkcode copyFromHost}.
   * @throws {UsageError} if the source is no file.
   */
  copyFromHostViaShell(source: string, target: string): Promise<void> {
    return copyFromHostViaShell(this.#core, source, target);
  }

  /**
   * Copies a file or a tree from the guest into the output directory, with
   * modes, times and links. If `source` itself is a link, this copies its
   * target. The copy leaves out devices, pipes, sockets, files whose names are
   * not UTF-8, and the bits setuid and setgid; a warning lists them.
   *
   * @param source The path in the guest. For a tree, the guest needs `tar`.
   * @param targetDir A directory below the output directory, or an absolute
   * path. It is made if it is missing. Default: the output directory.
   * @throws {UsageError} if the copy would replace one of the run's own logs
   * and reports, if a link leads out of the output directory, or if the source
   * is a device, a pipe or a socket.
   * @throws {MachineError} if the guest moves or replaces the file in the
   * shared directory that carries the copy.
   * @throws {TypeError} if the guest sends no archive, or an incomplete one.
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
   * Connects a shell in the guest with the terminal of the test's author. It
   * has job control, Ctrl-C, full-screen programs and the terminal's size, even
   * when that changes. `exit` or Ctrl-] leaves it, and the test goes on.
   *
   * @param address Connects the shell with a socket instead:
   * `unix-listen:PATH` or `tcp-listen:PORT` (on the loopback interface) wait
   * for a connection, `unix-connect:PATH` or `tcp:HOST:PORT` make one.
   * @throws {UsageError} if there is no terminal, or if the address is not
   * valid.
   * @throws {MachineError} if the guest can't have a terminal: a container
   * needs the program `script`, its own or one of the store that it shares with
   * the host.
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
   * Connects the serial console with the terminal of the test's author. Ctrl-D
   * or Ctrl-] leaves it, and the test goes on.
   *
   * @throws {UsageError} if there is no terminal.
   * @throws {MachineError} if the machine is not running.
   */
  async consoleInteract(): Promise<void> {
    const { consoleInteract } = await import("./hands/interact.ts");
    await consoleInteract(this.#core);
  }

  /**
   * Gets the command that connects to the guest's ssh backdoor: over vsock, or
   * over the socket that a container's systemd listens on.
   *
   * @param index The guest's vsock number, if its start script sets one. It has
   * no effect for a container, or if the driver makes the virtual socket.
   * @throws {UsageError} if there is no backdoor, because the guest has no
   * vsock number from 3 up and the driver does not have the option
   * `sshBackdoor`.
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

/** A kind of machine with its names in camelCase and in snake_case. */
export type Machine<Kind extends BaseMachine = BaseMachine> =
  & Kind
  & SnakeCased<Kind>;
