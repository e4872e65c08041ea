import { MachineError, UsageError } from "../errors.ts";
import type { QmpClient, QmpEvent } from "../qmp/mod.ts";
import { setClock, skew } from "./clock.ts";
import type { MachineCore } from "./core.ts";
import { type Disk, makeDisk } from "./disk.ts";
import type { EfiVariable } from "./efi_store.ts";
import {
  createEfiVars,
  dumpEfiVars,
  readEfiVars,
  writeEfiVars,
} from "./efi_vars.ts";
import type { Fault } from "./faults.ts";
import { Pauses } from "./pauses.ts";
import { fillDisk } from "./full_disk.ts";
import { sendChars, sendKey } from "./hands/keyboard.ts";
import type { Link } from "./links/link.ts";
import { BaseMachine, type Machine } from "./machine.ts";
import { limitMemory } from "./limited_memory.ts";
import { efiVarsPath } from "./paths.ts";
import { waitForQmpEvent } from "./waits/qmp_event.ts";
import { type WaitOptions, waitOptions } from "./waits/timeout.ts";

/** Makes a {@linkcode QemuMachine}; only a driver does. */
export let makeQemuMachine: (core: MachineCore) => Machine<QemuMachine>;

/**
 * A virtual machine that QEMU runs. Beside the methods of every machine, it has
 * a keyboard, network cards that can be unplugged, QEMU's monitor,
 * and the variables of its firmware.
 */
export class QemuMachine extends BaseMachine {
  readonly #core: MachineCore;
  readonly #pauses: Pauses;

  static {
    // The prototype of all machines has the names in snake_case.
    makeQemuMachine = (core) => new QemuMachine(core) as Machine<QemuMachine>;
  }

  private constructor(core: MachineCore) {
    super(core);
    this.#core = core;
    this.#pauses = new Pauses(core);
  }

  /** The machine's hypervisor. */
  override get backend(): "qemu" {
    return "qemu";
  }

  /**
   * The connection to QEMU's QMP server.
   *
   * @throws {MachineError} if the machine is not running.
   */
  get qmpClient(): QmpClient {
    return this.#core.capability("qmp", "qmpClient");
  }

  /**
   * Presses Ctrl+Alt+Delete. The next command waits for the new boot.
   *
   * @throws {UsageError} if the machine was started without `allowReboot`: a
   * reset would end it.
   * @throws {MachineError} if the machine is not running, is paused, or has no
   * keyboard.
   */
  override async reboot(): Promise<void> {
    this.#core.requireReboot();
    await this.#core.reboot(() => this.sendKey("ctrl-alt-delete"));
  }

  // Keyboard

  /**
   * Presses a key, or several together: they go down one after the other, and
   * then up. Returns when the last one is up.
   *
   * @param key A character, or names such as `ctrl-alt-delete` or `ret`.
   * @param options.delay Seconds after the key, or after each character of a
   * text. A keyboard on USB or virtio gets more time, if it needs that. `null`:
   * none. Default: 0.01.
   * @param options.log Whether to log the key. Default: true.
   * @throws {UsageError} if the name is empty, or if no key types the
   * character.
   * @throws {MachineError} if the machine is not running, is paused, or has no
   * keyboard.
   */
  sendKey(
    key: string,
    options: { delay?: number | null; log?: boolean } = {},
  ): Promise<void> {
    return sendKey(this.#core, key, options);
  }

  /**
   * Types text of any length on a US keyboard, each character as {@linkcode
   * sendKey} does. Returns when the last key is up.
   */
  sendChars(
    chars: string,
    options: { delay?: number | null; log?: boolean } = {},
  ): Promise<void> {
    return sendChars(this.#core, chars, options);
  }

  // Network and QEMU

  /**
   * Forwards a TCP port of the host to one of the guest.
   *
   * @throws {MachineError} if QEMU can't, for example because another program
   * uses the host's port.
   */
  async forwardPort(hostPort = 8080, guestPort = 80): Promise<void> {
    const forwarding = this.#core.capability("forwarding", "forwardPort()");
    const failure = await this.#core.guarded(() =>
      forwarding.forward(Number(hostPort), Number(guestPort))
    );
    if (failure === undefined) return;
    throw new MachineError(
      `port ${hostPort} of the host can't be forwarded to port ${guestPort} ` +
        `of ${this.name}: ${failure}`,
    );
  }

  /**
   * The machine's link to a VLAN, where faults are set and frames are captured.
   *
   * @param vlan The VLAN: `vlan1` in a script.
   */
  link(vlan: { readonly nr: number; readonly socketDir: string }): Link {
    return this.#core.links.to(vlan);
  }

  /** Unplugs the cable to the other machines. */
  async block(): Promise<void> {
    const network = this.#core.capability("network", "block()");
    await this.#core.guarded(() => network.plug(false));
  }

  /** Plugs in again the cable that {@linkcode block} has unplugged. */
  async unblock(): Promise<void> {
    const network = this.#core.capability("network", "unblock()");
    await this.#core.guarded(() => network.plug(true));
  }

  /**
   * Sends a command to QEMU's human monitor.
   *
   * @returns The monitor's answer.
   */
  async sendMonitorCommand(command: string): Promise<string> {
    return await this.#core.guarded(() =>
      this.qmpClient.send("human-monitor-command", { "command-line": command })
    ) as string;
  }

  /**
   * Waits for a QMP event that `filter` accepts. It looks first at the events
   * that came since the last event of such a wait, or since the start.
   *
   * @param options.timeout Seconds to wait at most; `null`: no limit. Default:
   * 600.
   * @throws {TestFailure} if the time passes first.
   * @throws {MachineError} if the machine was never started, or ends meanwhile.
   */
  async waitForQmpEvent(
    filter: (event: QmpEvent) => boolean,
    options: WaitOptions | number = {},
  ): Promise<QmpEvent> {
    return await waitForQmpEvent(this.#core, filter, waitOptions(options));
  }

  // Disks

  /**
   * Gets a disk of the machine, to slow it down, let it fail, or remove it.
   *
   * @param name Its name in the start script (`-drive id=`, `-device id=`), its
   * serial number, or QEMU's name for it. Default: the first disk.
   */
  disk(name?: string): Disk {
    return makeDisk(this.#core, name);
  }

  /**
   * Fills a file system of the guest with a file, so that it has no room left.
   *
   * @param path The absolute path of a directory on it; `/` by default.
   * @returns What removes the file.
   * @throws {UsageError} if the path is not absolute.
   * @throws {TestFailure} if there is no such directory, or if the file system
   * has no limit of its size, as a ramfs.
   */
  fillDisk(path = "/"): Promise<Fault> {
    return fillDisk(this.#core, path);
  }

  /**
   * Ends the guest as a power failure does, with its disks' caches: disks lose
   * everything that the guest has written since {@linkcode Disk.cacheWrites}
   * and not flushed. Other disks keep all writes, as in {@linkcode crash}.
   *
   * @throws {UsageError} if no disk caches writes.
   * @throws {MachineError} if the machine is not running.
   */
  async powerLoss(): Promise<void> {
    const disks = this.#core.capability("writeCaches", "powerLoss()");
    if (!disks.areTracked) {
      throw new UsageError(
        `powerLoss() of ${this.name} needs a disk with a write cache: call ` +
          "disk().cacheWrites() before the guest writes what it is to lose",
      );
    }
    this.#core.log.info("loses power", this.#core.attributes);
    this.#core.log.mark("fault", {
      machine: this.#core.label,
      text: "loses power",
    });
    await this.#core.guarded(() => disks.losePower());
    await this.waitForShutdown();
  }

  // Memory

  /**
   * Takes memory from the guest by a virtio balloon, until it has only `bytes`
   * left. Returns when the guest has handed it over. Of several limits, the
   * smallest holds. They end with the guest: after a new start it has all of
   * its memory.
   *
   * A guest whose start script has no balloon gets one meanwhile, where its
   * machine type takes devices while it runs, as `pc` does. The guest needs the
   * kernel's driver `virtio_balloon`.
   *
   * @param bytes The bytes that the guest has left, with its kernel.
   * @returns What gives the memory back.
   * @throws {UsageError} if `bytes` is no whole number from 1 up.
   * @throws {MachineError} if the machine is not running, if it has less memory
   * than that, if it can't get a balloon, or if its guest needs more and keeps
   * it.
   */
  limitMemory(bytes: number): Promise<Fault> {
    return limitMemory(this.#core, bytes);
  }

  // Time

  /**
   * Pauses the guest and its clock, until {@linkcode resume}. Actions on it
   * wait meanwhile.
   *
   * @returns The fault, which resumes the guest when it ends.
   * @throws {MachineError} if the machine is not running.
   */
  async pause(): Promise<Fault> {
    return await this.#pauses.pause();
  }

  /**
   * Resumes a paused guest.
   *
   * @throws {MachineError} if the machine is not running.
   */
  async resume(): Promise<void> {
    await this.#pauses.resume();
  }

  /**
   * Sets the guest's clock, which goes on from there. A guest with a time
   * service may set it again by itself.
   *
   * @param to A moment, or seconds since 1970.
   * @returns The fault, whose end sets the clock as if nobody had changed it.
   * @throws {UsageError} if the time is not between 2001 and 2286.
   * @throws {TestFailure} if the guest refuses that.
   */
  setClock(to: Date | number): Promise<Fault> {
    return setClock(this.#core, to);
  }

  /**
   * Sets the guest's clock ahead or back.
   *
   * @param by Seconds; negative: back.
   * @returns The fault, whose end sets the clock as if nobody had changed it.
   * @throws {UsageError} if this is no number of seconds.
   * @throws {TestFailure} if the guest refuses that.
   */
  skew(by: number): Promise<Fault> {
    return skew(this.#core, by);
  }

  /**
   * Sends the guest a non-maskable interrupt, as the NMI button of a server
   * does: a kernel with `unknown_nmi_panic` panics.
   *
   * @throws {MachineError} if the machine is not running, or is of a type that
   * has none, such as `virt`.
   */
  async nmi(): Promise<void> {
    const interrupt = this.#core.capability("interrupt", "nmi()");
    await this.#core.guarded(() => interrupt.press());
  }

  // EFI variables

  /**
   * The file of the UEFI firmware's variables. The start script finds its path
   * in the environment variable `NIX_EFI_VARS`.
   */
  get efiVarsPath(): string {
    return efiVarsPath(this.#core);
  }

  /**
   * Makes an empty store of EFI variables, for OVMF's firmware of 4 MiB, or for
   * that of the machine type `virt` if QEMU emulates aarch64.
   *
   * @throws {TestFailure} if there is a store already, or the machine runs.
   */
  async createEfiVars(): Promise<void> {
    await createEfiVars(this.#core);
  }

  /**
   * Reads the EFI variables.
   *
   * @returns All of them; nothing if there is no store.
   * @throws {TestFailure} if the machine runs, or if the file is no store.
   */
  async readEfiVars(): Promise<EfiVariable[] | undefined> {
    return await readEfiVars(this.#core);
  }

  /**
   * Writes EFI variables, and keeps the others.
   *
   * @throws {TestFailure} if the machine runs, or if there is no room.
   * @throws {UsageError} if a variable is not valid.
   *
   * @example
   * ```ts
   * await machine.createEfiVars();
   * await machine.writeEfiVars([{
   *   guid: "65a72bd9-f42b-4039-8084-66cd1702cb24",
   *   name: "NextBoot",
   *   data: new TextEncoder().encode("a"),
   * }]);
   * await machine.start();
   * ```
   */
  async writeEfiVars(variables: EfiVariable[]): Promise<void> {
    await writeEfiVars(this.#core, variables);
  }

  /**
   * Shows the EFI variables in the log.
   *
   * @throws {TestFailure} if the machine runs, or if the file is no store.
   */
  async dumpEfiVars(): Promise<void> {
    await dumpEfiVars(this.#core);
  }
}
