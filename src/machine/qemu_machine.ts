import { compilePattern } from "../console/mod.ts";
import { MachineError } from "../errors.ts";
import { type QmpClient, QmpClosed, type QmpEvent } from "../qmp/mod.ts";
import type { GuestProcessors } from "../backend/mod.ts";
import { setClock, skew } from "./clock.ts";
import type { MachineCore } from "./core.ts";
import type { EfiVariable } from "./efi_store.ts";
import {
  createEfiVars,
  dumpEfiVars,
  readEfiVars,
  writeEfiVars,
} from "./efi_vars.ts";
import type { Fault } from "./faults.ts";
import { type KeyOptions, sendChars, sendKey } from "./hands/keyboard.ts";
import type { Link } from "./links/link.ts";
import type { Network } from "./links/neighbours.ts";
import { BaseMachine, type Machine } from "./machine.ts";
import { efiVarsPath } from "./paths.ts";
import { screenshot, screenText, waitForScreen } from "./hands/screen.ts";
import { type WaitOptions, waitOptions } from "./waits/timeout.ts";

/** Makes a {@linkcode QemuMachine}; only a driver does. */
export let makeQemuMachine: (core: MachineCore) => Machine<QemuMachine>;

/**
 * A virtual machine that QEMU runs: beside what every machine can do, it has a
 * keyboard, a screen, a network card that can be unplugged, QEMU's monitor and
 * the variables of its firmware.
 */
export class QemuMachine extends BaseMachine {
  readonly #core: MachineCore;
  readonly #pauses = new Set<Fault>();

  static {
    // The prototype of all machines has the names in snake_case.
    makeQemuMachine = (core) => new QemuMachine(core) as Machine<QemuMachine>;
  }

  private constructor(core: MachineCore) {
    super(core);
    this.#core = core;
  }

  /** What runs the machine. */
  override get backend(): "qemu" {
    return "qemu";
  }

  /**
   * The connection to QEMU's QMP server.
   *
   * @throws {MachineError} while the machine is not running.
   */
  get qmpClient(): QmpClient {
    return this.#core.capability("qmp", "qmpClient");
  }

  /**
   * Presses Ctrl+Alt+Delete. The next command waits for the new boot.
   *
   * @throws {UsageError} where the machine was started without `allowReboot`: a
   * reset would end it.
   * @throws {MachineError} while the machine is not running, or paused.
   */
  override async reboot(): Promise<void> {
    this.#core.requireReboot();
    await this.sendKey("ctrl-alt-delete");
    this.#core.lose(`${this.name} reboots`);
  }

  // Keyboard

  /**
   * Presses a key, or several together: one after the other goes down, and up in
   * turn. Answers when the last is up.
   *
   * @param key A character, or names such as `ctrl-alt-delete` or `ret`.
   * @param options.delay Seconds from each event, down or up, to the next, and
   * after the last; 0.01 by default. A keyboard of USB's or virtio's gets more
   * time where it needs that.
   * @throws {UsageError} for an empty name, or a character that no key types.
   * @throws {MachineError} while the machine is not running, or paused.
   */
  sendKey(key: string, options: KeyOptions = {}): Promise<void> {
    return sendKey(this.#core, key, options);
  }

  /**
   * Types text of any length, as on a US keyboard: each character as
   * {@linkcode sendKey} does it. Answers when the last key is up.
   */
  sendChars(chars: string, options: KeyOptions = {}): Promise<void> {
    return sendChars(this.#core, chars, options);
  }

  // Screen

  /**
   * Takes a picture of the screen, as PNG.
   *
   * @param filename A name in the output directory, or a path; `.png` is added
   * where there is no ending.
   * @throws {UsageError} for the path of one of the run's own logs and reports.
   * @throws {MachineError} where QEMU has not answered in 30 seconds.
   */
  screenshot(filename: string): Promise<void> {
    return screenshot(this.#core, filename);
  }

  /** The text on the screen, by optical character recognition (tesseract). */
  async getScreenText(): Promise<string> {
    return (await screenText(this.#core))[0];
  }

  /** What the text on the screen may be; at least one reading. */
  getScreenTextVariants(): Promise<string[]> {
    return screenText(this.#core, { variants: true });
  }

  /**
   * Waits until the text on the screen matches, in one of its readings. A screen
   * that stays as it is is read once.
   *
   * @throws {TestFailure} when the time has passed, with what was read last.
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

  // Network and QEMU

  /**
   * Forwards a TCP port of the host to one of the guest.
   *
   * @throws {MachineError} where QEMU can't, as when the host's port is taken.
   */
  async forwardPort(hostPort = 8080, guestPort = 80): Promise<void> {
    const network = this.#core.capability("network", "forwardPort()");
    const failure = await this.#core.guarded(() =>
      network.forwardPort(Number(hostPort), Number(guestPort))
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
  link(vlan: Network): Link {
    return this.#core.link(vlan);
  }

  /** Unplugs the cable to the other machines. */
  async block(): Promise<void> {
    const network = this.#core.capability("network", "block()");
    await this.#core.guarded(() => network.plug(false));
  }

  /** Plugs the cable in again that {@linkcode block} pulled. */
  async unblock(): Promise<void> {
    const network = this.#core.capability("network", "unblock()");
    await this.#core.guarded(() => network.plug(true));
  }

  /**
   * Sends a command to QEMU's human monitor.
   *
   * @returns What the monitor answers.
   */
  async sendMonitorCommand(command: string): Promise<string> {
    return await this.#core.guarded(() =>
      this.qmpClient.send("human-monitor-command", { "command-line": command })
    ) as string;
  }

  /**
   * Waits for a QMP event that `filter` accepts: one of those that came since
   * the last that was waited for, at the first since the start, or else the next.
   *
   * @param options.timeout Seconds to wait at most; 600 by default, `null` for
   * no limit.
   * @throws {TestFailure} when the time has passed.
   * @throws {MachineError} before the machine was started, and where it ends
   * meanwhile.
   */
  async waitForQmpEvent(
    filter: (event: QmpEvent) => boolean,
    options: WaitOptions | number = {},
  ): Promise<QmpEvent> {
    return await this.#core.waitForQmpEvent(
      filter,
      waitOptions(options).timeout,
    );
  }

  // Time

  /**
   * Has the guest stand still, its clock too, until {@linkcode resume}: what asks
   * it meanwhile waits.
   *
   * @returns What ends that.
   * @throws {MachineError} while the machine is not running.
   */
  async pause(): Promise<Fault> {
    const processors = this.#core.capability("processors", "pause()");
    await this.#core.guarded(() => processors.pause());
    const fault = this.#core.faults.begin({
      text: "paused",
      machine: this.name,
      kind: "pause",
      undo: () => {
        this.#pauses.delete(fault);
        return resumed(processors);
      },
    });
    this.#pauses.add(fault);
    return fault;
  }

  /**
   * Has a guest go on that was paused.
   *
   * @throws {MachineError} while the machine is not running.
   */
  async resume(): Promise<void> {
    const processors = this.#core.capability("processors", "resume()");
    for (const fault of [...this.#pauses]) await fault.heal();
    await this.#core.guarded(() => processors.resume());
  }

  /**
   * Sets the guest's clock, which goes on from there. A guest that asks others for
   * the time may set it again by itself.
   *
   * @param to A moment, or seconds since 1970.
   * @returns What has the clock be as if nobody had set it.
   * @throws {UsageError} for what is no time from 2001 to 2286.
   * @throws {TestFailure} where the guest refuses that.
   */
  setClock(to: Date | number): Promise<Fault> {
    return setClock(this.#core, to);
  }

  /**
   * Sets the guest's clock ahead of what it was, or back.
   *
   * @param by Seconds; negative ones back.
   * @returns What has the clock be as if nobody had set it.
   * @throws {UsageError} for what is no number of seconds.
   * @throws {TestFailure} where the guest refuses that.
   */
  skew(by: number): Promise<Fault> {
    return skew(this.#core, by);
  }

  /**
   * Sends the guest an interrupt that can't be masked, as the button of that name
   * on a server does: a kernel with `unknown_nmi_panic` panics.
   *
   * @throws {MachineError} while the machine is not running.
   */
  async nmi(): Promise<void> {
    const processors = this.#core.capability("processors", "nmi()");
    await this.#core.guarded(() => processors.interrupt());
  }

  // EFI variables

  /**
   * The file of the variables of a firmware of UEFI, where the start script looks
   * for one: it is told by the environment variable `NIX_EFI_VARS`.
   */
  get efiVarsPath(): string {
    return efiVarsPath(this.#core);
  }

  /**
   * Makes a store of EFI variables, empty, for OVMF's firmware of 4 MiB.
   *
   * @throws {TestFailure} where there is one, or the machine runs.
   */
  async createEfiVars(): Promise<void> {
    await createEfiVars(this.#core);
  }

  /**
   * Reads the EFI variables.
   *
   * @returns All of them; nothing where there is no store.
   * @throws {TestFailure} while the machine runs, and where the file is none.
   */
  async readEfiVars(): Promise<EfiVariable[] | undefined> {
    return await readEfiVars(this.#core);
  }

  /**
   * Writes EFI variables; others stay as they are.
   *
   * @throws {TestFailure} while the machine runs, and where there is no room.
   * @throws {UsageError} for what is no variable.
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
   * @throws {TestFailure} while the machine runs, and where the file is none.
   */
  async dumpEfiVars(): Promise<void> {
    await dumpEfiVars(this.#core);
  }
}

/** Has a guest go on, unless it has ended. */
async function resumed(processors: GuestProcessors): Promise<void> {
  try {
    await processors.resume();
  } catch (error) {
    if (!(error instanceof QmpClosed)) throw error;
  }
}
