import type { Diversion, GuestCard, GuestNetwork } from "../../backend/mod.ts";
import { isHypervisorGone, MachineError, UsageError } from "../../errors.ts";
import type { Fault, Faults } from "../faults.ts";
import { type Capture, CaptureFile } from "./capture.ts";
import { Lane, noFrames } from "./lane.ts";
import {
  addressOf,
  type Neighbours,
  neighboursOf,
  type Network,
  senderOf,
} from "./neighbours.ts";
import type { PacketDirection } from "./pcapng.ts";
import type { Random } from "./random.ts";
import {
  describeSettings,
  type Impairments,
  impairments,
  type LinkSettings,
} from "./settings.ts";

/** The machine of a link. */
export interface Linked {
  /** The machine's name. */
  readonly name: string;
  /** The machine's name in events, which tells forks apart. */
  readonly label: string;
  /** The machine's faults. */
  readonly faults: Faults;
  /** The directory for captures. */
  readonly outDir: string;
  /** The switch's directory of the machine's own VLAN of a number, if it has one. */
  vlanDir(nr: number): string | undefined;
  /** The guest's network cards, while it runs. */
  readonly network: GuestNetwork | undefined;
  /** Reports a file that the run leaves. */
  tellOfFile(path: string): void;
  /** Warns the author. */
  complain(text: string): void;
}

/** Makes a link; only its machine does. */
export let makeLink: (machine: Linked, network: Network) => Link;

/** Applies a link's settings to the card of a guest that has just started. */
export let settleLink: (link: Link) => Promise<void>;

/**
 * Drops the frames that a machine gets from others.
 *
 * @param others The names of the others.
 * @returns A function that ends this.
 */
export let barLink: (
  link: Link,
  others: ReadonlySet<string>,
) => Promise<() => Promise<void>>;

/** Takes note of the address of a link's card, if its machine runs and has one. */
export let introduceLink: (link: Link) => Promise<void>;

/**
 * Describes for a person what a link has done to frames so far.
 *
 * @returns The description; nothing if the link has done nothing yet.
 */
export let explainLink: (link: Link) => string | undefined;

/** The settings for one direction, until others replace them. */
interface Layer {
  readonly direction: "send" | "receive";
  readonly settings: Impairments | null;
  readonly scope: number | undefined;
  readonly owner: Setting;
}

/** One call of {@linkcode Link.set}. */
interface Setting {
  fault?: Fault;
}

/** The lanes of a card whose frames pass the driver. */
interface Relay {
  readonly diversion: Diversion;
  readonly sent: Lane;
  readonly received: Lane;
}

/**
 * A machine's link to a VLAN: the cable between its card and the switch. Its
 * settings apply to frames between machines, never to the driver's own channel.
 * They outlive reboots, crashes and new starts. The guest sees nothing of them,
 * and they need no root.
 */
export class Link {
  readonly #machine: Linked;
  readonly #network: Network;
  readonly #neighbours: Neighbours;
  readonly #layers: Layer[] = [];
  readonly #downs = new Set<Fault>();
  readonly #bars = new Set<ReadonlySet<string>>();
  readonly #captures = new Set<CaptureFile>();
  readonly #counters = { sent: noFrames(), received: noFrames() };
  #randoms?: { sent: Random; received: Random };
  /** The guest that has the card below. */
  #guestNetwork?: GuestNetwork;
  #card?: GuestCard;
  #relay?: Relay;
  #isDown = false;
  /** Whether to plug the cable in even where this link has not unplugged it. */
  #isPlugWanted = false;
  #turn: Promise<void> = Promise.resolve();

  static {
    makeLink = (machine, network) => new Link(machine, network);
    settleLink = (link) => link.#settle();
    barLink = (link, others) => link.#bar(others);
    introduceLink = (link) => link.#introduce();
    explainLink = (link) => link.#explain();
  }

  private constructor(machine: Linked, network: Network) {
    this.#machine = machine;
    this.#network = network;
    this.#neighbours = neighboursOf(network);
  }

  /**
   * Sets what the link does to frames from now on, in place of earlier settings
   * for the same directions; `set({})` removes all settings. No frame that is
   * on its way is lost when a setting ends.
   *
   * @param settings.delay Seconds by which each frame is late.
   * @param settings.jitter Seconds by which the delay varies in both
   * directions, at most.
   * @param settings.loss The fraction of lost frames.
   * @param settings.duplicate The fraction of frames that arrive twice.
   * @param settings.reorder The fraction of frames that later frames may
   * overtake.
   * @param settings.corrupt The fraction of frames with one changed bit.
   * @param settings.bandwidth Bits a second that pass.
   * @param settings.direction `send`, `receive` or `both`. Default: `both`.
   * @returns The fault, which ends this and restores the settings from outside
   * of this subtest.
   * @throws {UsageError} if a setting is not valid, or if the VLAN is that of
   * other machines.
   * @throws {MachineError} if the machine runs and has no card on the VLAN.
   *
   * @example
   * ```ts
   * await using slow = await server.link(vlan1).set({ delay: 0.05, loss: 0.01 });
   * ```
   */
  async set(settings: LinkSettings): Promise<Fault> {
    const { scope } = this.#machine.faults;
    const owner: Setting = {};
    const meant = Object.entries(impairments(settings)) as [
      "send" | "receive",
      Impairments | null,
    ][];
    for (const [direction, wanted] of meant) {
      this.#forget((layer) =>
        layer.direction === direction && layer.scope === scope
      );
      const isBare = !this.#layers.some((layer) =>
        layer.direction === direction
      );
      if (wanted === null && isBare) continue;
      this.#layers.push({ direction, settings: wanted, scope, owner });
    }
    const fault = owner.fault = this.#begin(
      describeSettings(settings),
      async () => {
        this.#forget((layer) => layer.owner === owner);
        await this.#settle();
      },
      Object.values(meant).every(([, wanted]) => wanted === null)
        ? "note"
        : "fault",
    );
    await this.#orHeal(fault);
    // A call that has removed all settings has nothing to end.
    if (!this.#layers.some((layer) => layer.owner === owner)) {
      await fault.heal();
    }
    return fault;
  }

  /**
   * Unplugs the cable: the guest's card has no carrier.
   *
   * @returns The fault, which plugs the cable in again when it ends.
   * @throws {UsageError} if the VLAN is that of other machines.
   * @throws {MachineError} if the machine runs and has no card on the VLAN.
   */
  async down(): Promise<Fault> {
    const fault = this.#begin("down", async () => {
      this.#downs.delete(fault);
      await this.#settle();
    });
    this.#downs.add(fault);
    await this.#orHeal(fault);
    return fault;
  }

  /**
   * Plugs in the cable that {@linkcode down} or `block()` has unplugged, also
   * before the snapshot of which the machine is a fork.
   *
   * @throws {UsageError} if the VLAN is that of other machines.
   * @throws {MachineError} if the machine runs and has no card on the VLAN.
   */
  async up(): Promise<void> {
    for (const fault of [...this.#downs]) await fault.heal();
    this.#isPlugWanted = true;
    await this.#settle();
  }

  /**
   * Counters of the frames while there was a setting or a partition, or on
   * microVMs a capture. At other times frames do not pass the driver, so it does
   * not count them.
   *
   * @returns The counters of the frames that the machine sent, and of those
   * that it was to receive: `frames` and `bytes` that were sent into the link;
   * of these frames, how many were `lost` by that setting, `dropped` for lack
   * of bandwidth or because 64 MiB were waiting, `barred` by a partition,
   * `duplicated`, `reordered` (others could overtake them) or `corrupted`.
   */
  counters(): Readonly<
    Record<
      "sent" | "received",
      Readonly<
        Record<
          | "frames"
          | "bytes"
          | "lost"
          | "dropped"
          | "barred"
          | "duplicated"
          | "reordered"
          | "corrupted",
          number
        >
      >
    >
  > {
    const { sent, received } = this.#counters;
    return { sent: { ...sent }, received: { ...received } };
  }

  /**
   * Writes the frames that the machine's card sends and receives to a file, as
   * pcapng. It has each frame as the guest sees it: sent frames before the
   * link's effects, received frames after them.
   *
   * @param options.name The file's name in the output directory, without
   * `.pcapng`. Default: `<machine>-vlan<number>`.
   * @returns The capture, which has the file's path and an end.
   * @throws {UsageError} if the name is not valid, or if the VLAN is that of
   * other machines.
   * @throws {MachineError} if the machine runs and has no card on the VLAN.
   */
  async capture(options: { name?: string } = {}): Promise<Capture> {
    const { name, outDir } = this.#machine;
    const file = CaptureFile.create(
      outDir,
      options.name ?? `${name}-vlan${this.#network.nr}`,
      (text) => this.#machine.complain(text),
    );
    const fault = this.#begin(
      `captured in ${file.path}`,
      async () => {
        this.#captures.delete(file);
        await file.close();
        this.#machine.tellOfFile(file.path);
        await this.#settle();
      },
      "note",
      true,
    );
    this.#captures.add(file);
    await this.#orHeal(fault);
    return Object.assign(fault, { path: file.path });
  }

  /** The machine and the VLAN. */
  toString(): string {
    return `<link of '${this.#machine.name}' to VLAN ${this.#network.nr}>`;
  }

  #explain(): string | undefined {
    const lines = Object.entries(this.#counters)
      .filter(([, { frames }]) => frames > 0)
      .map(([direction, { frames, bytes, ...fates }]) =>
        [
          `${direction} while it had a fault: ${frames} frames, ${bytes} bytes`,
          ...Object.entries(fates).filter(([, count]) => count > 0)
            .map(([fate, count]) => `${count} ${fate}`),
        ].join(", ")
      );
    if (this.#downs.size > 0) lines.unshift("down");
    if (this.#bars.size > 0) lines.unshift("partitioned");
    if (lines.length === 0) return;
    return [`link to VLAN ${this.#network.nr}`, ...lines].join("\n");
  }

  #begin(
    text: string,
    undo: () => Promise<void>,
    kind: "fault" | "note" = "fault",
    outlivesMachines = false,
  ): Fault {
    return this.#machine.faults.begin({
      text: `link to VLAN ${this.#network.nr}: ${text}`,
      machine: this.#machine.label,
      kind,
      outlivesMachines,
      undo,
    });
  }

  /** Applies a fault. If that fails, the fault ends. */
  async #orHeal(fault: Fault): Promise<void> {
    try {
      await this.#settle();
    } catch (error) {
      await fault.heal().catch(() => {});
      throw error;
    }
  }

  /** Forgets layers. A setting without any layer is over. */
  #forget(isOne: (layer: Layer) => boolean): void {
    const owners = new Set<Setting>();
    for (const layer of this.#layers.filter(isOne)) {
      this.#layers.splice(this.#layers.indexOf(layer), 1);
      owners.add(layer.owner);
    }
    for (const owner of owners) {
      if (this.#layers.some((layer) => layer.owner === owner)) continue;
      owner.fault?.heal().catch(() => {});
    }
  }

  async #bar(others: ReadonlySet<string>): Promise<() => Promise<void>> {
    // One set a call, though two calls may bar the same machines.
    const bar = new Set(others);
    this.#bars.add(bar);
    const end = async () => {
      this.#bars.delete(bar);
      await this.#settle();
    };
    try {
      await this.#settle();
    } catch (error) {
      await end().catch(() => {});
      throw error;
    }
    return end;
  }

  /**
   * Applies the wanted state to the guest's card; one change after the other.
   */
  #settle(): Promise<void> {
    const turn = this.#turn.then(async () => {
      try {
        await this.#settleNow();
      } catch (error) {
        // A guest that has ended has no links; the next start brings them back.
        if (!isHypervisorGone(error)) throw error;
      }
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #inEffect(direction: "send" | "receive"): Impairments | null {
    return this.#layers.findLast((layer) => layer.direction === direction)
      ?.settings ?? null;
  }

  async #settleNow(): Promise<void> {
    const { network } = this.#machine;
    if (network !== this.#guestNetwork) {
      // The guest is another one, or has ended, so its card has no changes yet.
      this.#relay?.sent.close();
      this.#relay?.received.close();
      for (const file of this.#captures) file.detach();
      this.#guestNetwork = this.#card = this.#relay = undefined;
      this.#isDown = false;
    }
    if (network === undefined) return;
    const send = this.#inEffect("send"), receive = this.#inEffect("receive");
    const card = this.#card ??= await this.#findCard(network);
    const isWanted = send !== null || receive !== null || this.#bars.size > 0 ||
      (this.#captures.size > 0 && card.mirror === undefined);
    this.#guestNetwork = network;
    for (const file of this.#captures) {
      await file.attach(card, this.#machine.name);
    }
    const isDown = this.#downs.size > 0;
    if (isDown !== this.#isDown || this.#isPlugWanted) await card.plug(!isDown);
    this.#isDown = isDown;
    this.#isPlugWanted = false;
    if (isWanted) this.#relay ??= await this.#divert(card);
    this.#relay?.sent.set(send);
    this.#relay?.received.set(receive);
    if (!isWanted) await this.#takeRelayAway();
  }

  async #introduce(): Promise<void> {
    const card = await this.#machine.network?.card(this.#network.socketDir);
    if (card === undefined) return;
    this.#neighbours.learn(addressOf(card.address), this.#machine.name);
  }

  async #findCard(network: GuestNetwork): Promise<GuestCard> {
    const { nr, socketDir } = this.#network;
    const card = await network.card(socketDir);
    if (card === undefined) {
      const { name, label } = this.#machine;
      const own = this.#machine.vlanDir(nr);
      if (own !== undefined && own !== socketDir) {
        throw new UsageError(
          `Expected the VLAN ${nr} that ${label} is on, got that of other ` +
            "machines: the VLANs of a fork are in its `vlans`",
        );
      }
      throw new MachineError(
        `${name} has no card on VLAN ${nr}: ${network.lack(nr)}`,
      );
    }
    this.#neighbours.learn(addressOf(card.address), this.#machine.name);
    return card;
  }

  async #divert(card: GuestCard): Promise<Relay> {
    const { name, faults } = this.#machine;
    const { nr } = this.#network;
    const randoms = this.#randoms ??= {
      sent: faults.random(`${name} sends to VLAN ${nr}`),
      received: faults.random(`${name} receives from VLAN ${nr}`),
    };
    const diversion = await card.divert();
    // If the card copies its frames, that copy writes them.
    const write = (direction: PacketDirection) =>
      card.mirror === undefined
        ? (frame: Uint8Array) => {
          for (const file of this.#captures) {
            file.write(file.interface(name, card.address), [frame], direction);
          }
        }
        : undefined;
    return {
      diversion,
      sent: new Lane(diversion.sent, {
        random: randoms.sent,
        counters: this.#counters.sent,
        comes: write("out"),
        bars: (frame) => {
          this.#neighbours.learn(senderOf(frame), name);
          return false;
        },
      }),
      received: new Lane(diversion.received, {
        random: randoms.received,
        counters: this.#counters.received,
        goes: write("in"),
        bars: (frame) => this.#bars.size > 0 && this.#isBarred(frame),
      }),
    };
  }

  #isBarred(frame: Uint8Array): boolean {
    const owner = this.#neighbours.ownerOf(senderOf(frame));
    if (owner === undefined) return false;
    for (const bar of this.#bars) if (bar.has(owner)) return true;
    return false;
  }

  async #takeRelayAway(): Promise<void> {
    if (this.#relay === undefined) return;
    const { diversion, sent, received } = this.#relay;
    this.#relay = undefined;
    await diversion.remove(async () =>
      Math.max(...await Promise.all([sent.drain(), received.drain()]))
    );
    sent.close();
    received.close();
  }
}
