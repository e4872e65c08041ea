import type { QmpClient } from "../../qmp/mod.ts";
import type { GuestCard, GuestForwarding, GuestNetwork } from "../backend.ts";
import { type Place, QemuCard } from "./card.ts";
import type { Sockets } from "./sockets.ts";

/** The network card that leads to the other machines; the first is QEMU's. */
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
    await this.#qmp.send("set_link", { name: CARD, up: isIn });
  }

  /** See {@linkcode GuestNetwork.card}. */
  async card(socketDir: string): Promise<GuestCard | undefined> {
    const known = this.#cards.get(socketDir);
    if (known !== undefined) return known;
    const said = await this.#monitor("info network");
    for (const [, name, address, wire, sock] of said.matchAll(WIRED)) {
      if (sock !== socketDir) continue;
      const place: Place = { name, address, wire, number: this.#cards.size };
      const card = new QemuCard(this.#qmp, this.#sockets, place);
      this.#cards.set(socketDir, card);
      return card;
    }
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
