import type { Diversion, Supervisor, Tap } from "../backend/mod.ts";
import { MachineError } from "../errors.ts";
import type { Network } from "../machine/mod.ts";
import { FrameStream } from "./frame_stream.ts";
import type { NetworkNamespace } from "./network_namespace.ts";

/** Lets a bridge's port get frames. */
const OPEN = "learning on flood on mcast_flood on bcast_flood on";
/** Keeps frames from a bridge's port. */
const SHUT = "learning off flood off mcast_flood off bcast_flood off";

/** How a {@linkcode NetworkTap} is made. */
export interface NetworkTapOptions {
  /** Tells the TAPs of a namespace apart. */
  readonly number: number;
  /** The VLAN, which has the bridge `vlan<number>` in the namespace. */
  readonly vlan: Network;
  readonly namespace: NetworkNamespace;
  readonly supervisor: Supervisor;
}

/**
 * A TAP that is on a VLAN's bridge. When its frames are first diverted, it gets
 * a bridge of its own, from which a pair of interfaces leads to the VLAN's: its
 * cable. While they are diverted, nothing goes into the cable, and a TAP of the
 * driver's is on each of the two bridges.
 *
 * When the diversion ends, no frame is lost: the cable gets new frames in place
 * of the driver's TAPs, and the TAPs send those that were still in the driver.
 * The cable does not get the latter, because it would carry them once more.
 */
export class NetworkTap implements Tap {
  readonly #options: NetworkTapOptions;
  /** Whether it has a bridge of its own. */
  #hasCable = false;
  #isIn = true;
  #isRemoved = false;
  #diverted?: FrameStream[];
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: NetworkTapOptions) {
    this.#options = options;
  }

  /**
   * Makes a TAP.
   *
   * @throws {MachineError} if the host makes none.
   */
  static async add(options: NetworkTapOptions): Promise<NetworkTap> {
    const tap = new NetworkTap(options);
    const { namespace, vlan } = options;
    await namespace.ip(
      `tuntap add ${tap.name} mode tap vnet_hdr`,
      `link set ${tap.name} addrgenmode none`,
      `link set ${tap.name} master vlan${vlan.nr} up`,
    );
    return tap;
  }

  /** See {@linkcode Tap.name}. */
  get name(): string {
    return `tap${this.#options.number}`;
  }

  /** See {@linkcode Tap.socketDir}. */
  get socketDir(): string {
    return this.#options.vlan.socketDir;
  }

  /** See {@linkcode Tap.plug}. */
  plug(isIn: boolean): Promise<void> {
    return this.#inTurn(async () => {
      await this.#ip(
        isIn
          ? `link set ${this.name} master ${this.#bridge}`
          : `link set ${this.name} nomaster`,
      );
      this.#isIn = isIn;
    });
  }

  /** See {@linkcode Tap.divert}. */
  divert(): Promise<Diversion> {
    return this.#inTurn(async () => {
      await this.#addCable();
      const { number, namespace, supervisor } = this.#options;
      const opening = await Promise.allSettled(
        ["in", "out"].map((side) =>
          FrameStream.open({
            tap: `${side}${number}`,
            namespace,
            supervisor,
          })
        ),
      );
      const streams = this.#diverted = opening.filter((one) =>
        one.status === "fulfilled"
      ).map(({ value }) => value);
      const failed = opening.find((one) => one.status === "rejected");
      try {
        if (failed !== undefined) throw failed.reason;
        await this.#pullCable(streams);
      } catch (error) {
        await this.#endDiversion();
        throw error;
      }
      const [inner, outer] = streams;
      return {
        sent: { from: inner, to: outer },
        received: { from: outer, to: inner },
        remove: (drain) =>
          this.#inTurn(async () => {
            try {
              await this.#plugCable(streams, drain);
            } finally {
              await this.#endDiversion();
            }
          }),
      };
    });
  }

  /** See {@linkcode Tap.remove}. */
  remove(): Promise<void> {
    this.#isRemoved = true;
    // Waits for marks end with the streams.
    const ending = this.#endDiversion();
    return this.#inTurn(async () => {
      await ending;
      await this.#endDiversion();
      const { namespace, number } = this.#options;
      const names = [
        this.name,
        ...this.#hasCable ? [`link${number}`, this.#cable[0]] : [],
      ];
      // Where the namespace has ended, so have they.
      await namespace.ip(...names.map((name) => `link delete ${name}`))
        .catch(() => {});
    });
  }

  /** The bridge that it is on. */
  get #bridge(): string {
    const { number, vlan } = this.#options;
    return this.#hasCable ? `link${number}` : `vlan${vlan.nr}`;
  }

  /** The two ends of its cable: in its own bridge, and in the VLAN's. */
  get #cable(): [string, string] {
    const near = `cable${this.#options.number}`;
    return [near, `plug-${near}`];
  }

  #inTurn<T>(fn: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(fn);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Changes interfaces, as long as there is the TAP. */
  async #ip(...commands: string[]): Promise<void> {
    if (!this.#isRemoved) await this.#options.namespace.ip(...commands);
  }

  async #addCable(): Promise<void> {
    if (this.#hasCable) return;
    const { number, vlan } = this.#options;
    const bridge = `link${number}`, [near, far] = this.#cable;
    await this.#ip(`link add ${near} type veth peer name ${far}`)
      .catch(({ message }) => {
        throw new MachineError(
          "the frames of a microVM's card can't be led through the driver " +
            `without the kernel's module veth: ${message}`,
        );
      });
    await this.#ip(
      // Without a memory for addresses, it sends all to each of its few ports.
      `link add ${bridge} type bridge forward_delay 0 mcast_snooping 0 ` +
        "ageing_time 0",
      ...[bridge, near, far].map((name) => `link set ${name} addrgenmode none`),
      `link set ${bridge} up`,
      `link set ${near} master ${bridge} up`,
      `link set ${near} type bridge_slave isolated on`,
      `link set ${far} master vlan${vlan.nr} up`,
      ...this.#isIn ? [`link set ${this.name} master ${bridge}`] : [],
    );
    this.#hasCable = true;
  }

  /** Leads all frames through the driver. */
  async #pullCable(streams: readonly FrameStream[]): Promise<void> {
    const { number, vlan, namespace } = this.#options;
    const bridges = [`link${number}`, `vlan${vlan.nr}`];
    await this.#ip(
      ...streams.flatMap(({ tap }, at) => [
        `link set ${tap} addrgenmode none`,
        `link set ${tap} master ${bridges[at]} up`,
        // Marks that come from there go back there.
        `link set ${tap} type bridge_slave hairpin on ${SHUT}`,
      ]),
    );
    for (const { tap, address } of streams) {
      if (this.#isRemoved) return;
      await namespace.run(`bridge fdb add ${address} dev ${tap} master static`);
    }
    await Promise.all(streams.map((stream) => stream.hasCome()));
    await this.#ip(
      ...this.#cable.map((name) =>
        `link set ${name} type bridge_slave fdb_flush ${SHUT}`
      ),
      ...streams.map(({ tap }) =>
        `link set ${tap} type bridge_slave hairpin off ${OPEN}`
      ),
    );
  }

  /** Lets frames bypass the driver again, after those that are in it. */
  async #plugCable(
    streams: readonly FrameStream[],
    drain: () => Promise<number>,
  ): Promise<void> {
    const [inner, outer] = streams, [, far] = this.#cable;
    const { namespace } = this.#options;
    const all = (fn: (stream: FrameStream) => Promise<void>) =>
      Promise.all(streams.map(fn));
    const releases = streams.map((stream) => stream.hold());
    await all((stream) => stream.hasSent());
    await this.#ip(
      ...streams.map(({ tap }) =>
        `link set ${tap} type bridge_slave fdb_flush hairpin on ${SHUT}`
      ),
      ...this.#cable.map((name) =>
        `link set ${name} type bridge_slave ${OPEN}`
      ),
    );
    await all((stream) => stream.hasCome());
    await drain();
    // Two cables that do not hear the driver's TAPs would not hear each other.
    await namespace.alone(async () => {
      await this.#ip(
        ...[inner.tap, outer.tap, far].map((name) =>
          `link set ${name} type bridge_slave isolated on`
        ),
      );
      await Promise.all(releases.map((release) => release()));
      await all((stream) => stream.hasSent());
      await this.#ip(`link set ${far} type bridge_slave isolated off`);
    });
  }

  async #endDiversion(): Promise<void> {
    const streams = this.#diverted ?? [];
    this.#diverted = undefined;
    await Promise.all(streams.map((stream) => stream.stop()));
  }
}
