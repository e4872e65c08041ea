import { type QmpClient, QmpError } from "../../qmp/mod.ts";
import type { GuestCard, GuestForwarding, GuestNetwork } from "../backend.ts";
import { type Place, QemuCard } from "./card.ts";
import type { Sockets } from "./sockets.ts";

/**
 * The network card that leads to the other machines, as start scripts of NixOS
 * have it; the first is QEMU's.
 */
const CARD = "virtio-net-pci.1";

/** A card and its peer, in the output of `info network`. */
const WIRED =
  /^(\S+): index=\d+,type=nic,.*\bmacaddr=([\da-f:]+).*\r?\n \\ (\S+): index=\d+,type=vde,sock=(.*),fd=\d+\r?$/gm;

/** The network cards of a guest of QEMU. */
export class QemuNetwork implements GuestNetwork, GuestForwarding {
  readonly #qmp: QmpClient;
  readonly #sockets: Sockets;
  readonly #cards = new Map<string, QemuCard>();

  /** Takes QEMU's monitor, and the maker of sockets. */
  constructor(qmp: QmpClient, sockets: Sockets) {
    this.#qmp = qmp;
    this.#sockets = sockets;
  }

  /** See {@linkcode GuestNetwork.plug}. */
  async plug(isIn: boolean): Promise<void> {
    try {
      await this.#qmp.send("set_link", { name: CARD, up: isIn });
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
      // On virtio-mmio, or with an id, it has another name.
      const [first] = await this.#wired();
      if (first === undefined) throw error;
      await this.#qmp.send("set_link", { name: first.name, up: isIn });
    }
  }

  /** See {@linkcode GuestNetwork.card}. */
  async card(socketDir: string): Promise<GuestCard | undefined> {
    const known = this.#cards.get(socketDir);
    if (known !== undefined) return known;
    const wired = await this.#wired();
    const found = wired.find(({ sock }) => sock === socketDir);
    if (found === undefined) return undefined;
    const { name, address, wire } = found;
    const place: Place = { name, address, wire, number: this.#cards.size };
    const card = new QemuCard(this.#qmp, this.#sockets, place);
    this.#cards.set(socketDir, card);
    return card;
  }

  /** The cards on VLANs, in their order. */
  async #wired() {
    const said = await this.#monitor("info network");
    return [...said.matchAll(WIRED)].map(([, name, address, wire, sock]) => ({
      name,
      address,
      wire,
      sock,
    }));
  }

  /** See {@linkcode GuestNetwork.lack}. */
  lack(vlan: number): string {
    return "its start script gives QEMU no -netdev vde with the socket in " +
      `QEMU_VDE_SOCKET_${vlan}`;
  }

  /** See {@linkcode GuestForwarding.forward}. */
  async forward(
    hostPort: number,
    guestPort: number,
  ): Promise<string | undefined> {
    const answer = await this.#monitor(
      `hostfwd_add tcp::${hostPort}-:${guestPort}`,
    );
    return answer.trim() || undefined;
  }

  async #monitor(command: string): Promise<string> {
    return await this.#qmp.send("human-monitor-command", {
      "command-line": command,
    }) as string;
  }
}
