import {
  type SocketDirectory,
  socketDirectory,
  type Supervisor,
} from "../backend/mod.ts";
import { shellQuote } from "../shell/mod.ts";
import {
  type Capture,
  CaptureFile,
  type Fault,
  type Faults,
} from "../machine/mod.ts";
import { HostPlug } from "./host_plug.ts";
import type { LinkedMachine, MachineOf } from "./kinds.ts";
import {
  partition,
  type PartitionGroup,
  type PartitionOptions,
} from "./partition.ts";
import { VdeSwitch } from "./vde_switch.ts";
import { VlanCapture } from "./vlan_capture.ts";

/**
 * The number of a switch's ports; vde_switch's own default is 32. It uses all
 * but the first, and looks at each of them for every frame: a frame of 1514
 * bytes between two cards took 3.6 µs of its time with 32 ports, 3.8 µs with
 * 256 and 4.2 µs with 1024.
 */
const PORTS = 256;

/**
 * Starts a switch. Returns when it takes connections.
 *
 * @param nr The VLAN's number.
 * @param directory The directory for its sockets.
 * @throws {MachineError} if vde_switch is missing or does not start.
 */
export let startVlan: (
  nr: number,
  directory: string,
  supervisor: Supervisor,
  lent: LentToVlan,
) => Promise<Vlan>;

/**
 * Writes all frames of a VLAN to a file.
 *
 * @param name The file's name in the output directory, without `.pcapng`.
 */
export let captureVlan: (vlan: Vlan, name?: string) => Promise<OpenCapture>;

/** A capture that goes on until it is stopped. */
export interface OpenCapture {
  /** Where the file is. */
  readonly path: string;
  /** Ends the file. */
  stop(): Promise<void>;
}

/** The parts of a driver that its VLANs use. */
export interface LentToVlan {
  /** The faults that the test has set. */
  readonly faults: Faults;
  /** Where captures go. */
  readonly outDir: string;
  /** The machines that may be on it. */
  machines(): readonly LinkedMachine[];
  /** Reports a file that the run leaves. */
  tellOfFile(path: string): void;
  /** Warns the author. */
  complain(text: string): void;
}

/**
 * A virtual network that machines are plugged into: a `vde_switch` of its own.
 * Start scripts find it in `QEMU_VDE_SOCKET_<number>`.
 *
 * - The switch is a hub, as that of the NixOS driver is: each frame goes to all
 *   other cards. As a switch it would drop frames with 802.1Q tags, and was not
 *   seen to be faster: between two guests without KVM, on a busy host, 0.7 to
 *   1.0 MB/s by either.
 * - Up to 255 cards hear each other.
 * - A frame has at most 1518 bytes, a tag among them: vde_switch cuts off the
 *   rest of a longer one. So cards keep an MTU of 1500, which is the default.
 */
export class Vlan {
  /** The VLAN's number. */
  readonly nr: number;
  /** The directory with the switch's sockets. */
  readonly socketDir: string;
  /** The switch's process. */
  readonly pid: number;
  readonly #place: SocketDirectory;
  readonly #switch: VdeSwitch;
  readonly #supervisor: Supervisor;
  readonly #lent: LentToVlan;
  /** The partitions of it. */
  readonly #partitions = new Set<Fault>();
  #hostPlug?: HostPlug;
  #stopped?: Promise<void>;

  static {
    startVlan = (...given) => Vlan.#start(...given);
    captureVlan = (vlan, name) => vlan.#capture(name);
  }

  private constructor(
    nr: number,
    place: SocketDirectory,
    socketDir: string,
    made: VdeSwitch,
    supervisor: Supervisor,
    lent: LentToVlan,
  ) {
    this.nr = nr;
    this.#place = place;
    this.socketDir = socketDir;
    this.pid = made.pid;
    this.#switch = made;
    this.#supervisor = supervisor;
    this.#lent = lent;
  }

  static async #start(
    nr: number,
    directory: string,
    supervisor: Supervisor,
    lent: LentToVlan,
  ): Promise<Vlan> {
    const name = `vde${nr}.ctl`;
    const place = socketDirectory(
      directory,
      `${name}/ctl`.length,
      supervisor,
    );
    const socketDir = `${place.path}/${name}`;
    try {
      const made = await VdeSwitch.start(
        `vde_switch --hub --numports ${PORTS} ` +
          `--sock ${shellQuote(socketDir)} --dirmode 0700`,
        `vlan ${nr}`,
        supervisor,
      );
      return new Vlan(nr, place, socketDir, made, supervisor, lent);
    } catch (error) {
      await place.remove();
      throw error;
    }
  }

  /**
   * Plugs the host into the switch, by an interface `vde-tap<number>`. Start
   * scripts of containers add this interface to their bridge for the VLAN.
   *
   * @throws {MachineError} if the interface can't be made.
   */
  async plugIntoHost(): Promise<void> {
    this.#hostPlug ??= await HostPlug.insert(
      this.nr,
      this.socketDir,
      this.#supervisor,
    );
  }

  /** The process that plugs the host into the switch, if there is one. */
  get plugPid(): number | undefined {
    return this.#hostPlug?.pid;
  }

  /**
   * Parts the network: machines of different groups don't hear each other, those
   * of one group do, and machines that are in none hear all. Several partitions
   * hold together. A partition outlives reboots, crashes and new starts.
   *
   * @param groups Arrays of virtual machines or microVMs, two or more, and options last if
   * any: with `{ oneWay: true }`, the others don't hear the first group, which
   * hears them.
   * @returns The fault, which ends the partition.
   * @throws {UsageError} if there are fewer than two groups, or if a machine is
   * in two.
   * @throws {MachineError} if a machine runs and has no card on the VLAN.
   *
   * @example
   * ```ts
   * await using split = await vlan1.partition([node1, node2], [node3]);
   * ```
   */
  async partition(
    ...groups: [
      ...(readonly Pick<MachineOf<"qemu">, "name" | "link">[])[],
      readonly Pick<MachineOf<"qemu">, "name" | "link">[] | {
        /** Whether only the others do not hear the first group. */
        oneWay?: boolean;
      },
    ]
  ): Promise<Fault> {
    const last = groups.at(-1);
    const isOptions = last !== undefined && !Array.isArray(last);
    const fault = await partition(
      this,
      this.#lent.faults,
      (isOptions ? groups.slice(0, -1) : groups) as PartitionGroup[],
      isOptions ? last as PartitionOptions : {},
    );
    for (const old of this.#partitions) {
      if (old.isOver) this.#partitions.delete(old);
    }
    this.#partitions.add(fault);
    return fault;
  }

  /** Ends all partitions of the network. What is set on links stays. */
  async heal(): Promise<void> {
    const partitions = [...this.#partitions];
    this.#partitions.clear();
    await Promise.all(partitions.map((fault) => fault.heal()));
  }

  /**
   * Writes all frames that pass the switch into a file, as pcapng, each under the
   * name of the machine that has sent it: after what the sender's link has done
   * to it, and before what the receivers' do. Machines may start later.
   *
   * @param name The file's name in the output directory, without `.pcapng`; by
   * default, `vlan` and the number.
   * @returns The capture, which has the file's path and an end.
   * @throws {UsageError} if the name is not valid.
   * @throws {MachineError} if `vde_plug` is missing.
   */
  async capture(name?: string): Promise<Capture> {
    const { path, stop } = await this.#capture(name);
    const fault = this.#lent.faults.begin({
      text: `VLAN ${this.nr}: captured in ${path}`,
      kind: "note",
      outlivesMachines: true,
      undo: async () => {
        await stop();
        this.#lent.tellOfFile(path);
      },
    });
    return Object.assign(fault, { path });
  }

  async #capture(name = `vlan${this.nr}`): Promise<OpenCapture> {
    const { outDir, machines, complain } = this.#lent;
    const file = CaptureFile.create(outDir, name, complain);
    const capture = new VlanCapture(this, file, machines, this.#supervisor);
    try {
      await capture.ready();
    } catch (error) {
      await capture.stop();
      throw error;
    }
    return { path: file.path, stop: () => capture.stop() };
  }

  /** Stops the switch and waits until it is gone. */
  stop(): Promise<void> {
    return this.#stopped ??= (async () => {
      await this.#hostPlug?.pull();
      await this.#switch.stop();
      await this.#place.remove();
    })();
  }

  /** The VLAN's number. */
  toString(): string {
    return `<VLAN ${this.nr}>`;
  }
}
