import type { BackendName } from "../backend/mod.ts";
import { MachineError } from "../errors.ts";
import { setClock, skew } from "./clock.ts";
import type { MachineCore } from "./core.ts";
import { type Disk, makeDisk } from "./disk.ts";
import type { Fault } from "./faults.ts";
import { fillDisk } from "./full_disk.ts";
import { limitMemory } from "./limited_memory.ts";
import type { Link } from "./links/link.ts";
import { Pauses } from "./pauses.ts";
import { BaseMachine, type Machine } from "./machine.ts";

/** Makes a {@linkcode MicroVmMachine}; only a driver does. */
export let makeMicroVmMachine: <Name extends BackendName>(
  core: MachineCore,
  backend: Name,
) => Machine<MicroVmMachine<Name>>;

/**
 * A virtual machine of a small hypervisor, such as Firecracker. Beside the
 * methods of every machine, it can be paused. It has no keyboard, and no screen
 * but what a program in the guest takes pictures of.
 */
export class MicroVmMachine<Name extends BackendName = BackendName>
  extends BaseMachine {
  readonly #core: MachineCore;
  readonly #backend: Name;
  readonly #pauses: Pauses;

  static {
    // The prototype of all machines has the names in snake_case.
    makeMicroVmMachine = <Name extends BackendName>(
      core: MachineCore,
      backend: Name,
    ) => new MicroVmMachine(core, backend) as Machine<MicroVmMachine<Name>>;
  }

  /** Takes the core of the machine; only a driver makes one. */
  protected constructor(core: MachineCore, backend: Name) {
    super(core);
    this.#core = core;
    this.#pauses = new Pauses(core);
    this.#backend = backend;
  }

  /** The machine's hypervisor. */
  override get backend(): Name {
    return this.#backend;
  }

  /**
   * Reboots the guest. The next command waits for the new boot.
   *
   * @throws {MachineError} if its hypervisor can't: Firecracker ends at a
   * reset. `shutdown()` and `start()` do what a reboot does there.
   * @throws {UsageError} if the machine was started without `allowReboot`.
   */
  override async reboot(): Promise<void> {
    const { reboots, hypervisor } = this.#core.context.backend.kind;
    if (!reboots) {
      throw new MachineError(
        `reboot() needs a hypervisor that goes on after a reset, but ` +
          `${hypervisor} ends: call shutdown() and start() of ` +
          `${this.name} instead`,
      );
    }
    this.#core.requireReboot();
    await this.#core.ready();
    await this.#core.reboot(() => this.#core.running().shell.send("reboot"));
  }

  // Network

  /**
   * The machine's link to a VLAN, where faults are set and frames are captured.
   * The guest's card keeps its carrier while the link is down.
   *
   * @param vlan The VLAN: `vlan1` in a script.
   */
  link(vlan: { readonly nr: number; readonly socketDir: string }): Link {
    return this.#core.links.to(vlan);
  }

  /** Unplugs the cables to the other machines. */
  async block(): Promise<void> {
    const network = this.#core.capability("network", "block()");
    await this.#core.guarded(() => network.plug(false));
  }

  /** Plugs in again the cables that {@linkcode block} has unplugged. */
  async unblock(): Promise<void> {
    const network = this.#core.capability("network", "unblock()");
    await this.#core.guarded(() => network.plug(true));
  }

  // Disks and memory

  /**
   * Gets a disk of the machine. Firecracker can slow it down, and Cloud
   * Hypervisor remove it.
   *
   * @param name Its id, or for Cloud Hypervisor its serial number. Default: the
   * first disk of the description.
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
   * Takes memory from the guest by the virtio balloon of its description, until
   * it has only `bytes` left. Returns when the guest has handed it over. Of
   * several limits, the smallest holds. They end with the guest: after a new
   * start it has all of its memory. The guest needs the kernel's driver
   * `virtio_balloon`.
   *
   * @param bytes The bytes that the guest has left, with its kernel. Firecracker
   * counts whole MiB.
   * @returns What gives the memory back.
   * @throws {UsageError} if `bytes` is no whole number from 1 up.
   * @throws {MachineError} if the machine is not running, if it has less memory
   * than that, if its description has no balloon, or if its guest needs more
   * and keeps it.
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
   * Sets the guest's clock, which goes on from there.
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
}
