import { type QmpClient, QmpClosed } from "../../qmp/mod.ts";
import type { Diversion, GuestCard, Mirror } from "../backend.ts";
import { type AddedSocket, addSocket } from "./added_socket.ts";
import type { Sockets } from "./sockets.ts";

/** The identity of a card among those of its guest. */
export interface Place {
  /** QEMU's name for the card. */
  readonly name: string;
  /** The card's hardware address. */
  readonly address: string;
  /** QEMU's name for the other end of its cable. */
  readonly wire: string;
  /** Distinguishes the guest's cards. */
  readonly number: number;
}

/** QEMU's names for the directions, as the other end of the cable sees them. */
const QUEUES = { sent: "rx", received: "tx" } as const;

/** Bytes that QEMU reads from a socket before it serves others. */
const READ_AT_ONCE = 4096;
/** How many more turns of QEMU to wait for than the bytes need. */
const SPARE_TURNS = 2;

type Direction = keyof typeof QUEUES;

/**
 * A network card of a guest of QEMU. The driver adds filters while QEMU runs:
 * those that divert frames at the end of the wire, those that copy frames at
 * the end of the guest.
 */
export class QemuCard implements GuestCard {
  readonly #qmp: QmpClient;
  readonly #sockets: Sockets;
  readonly #place: Place;
  #filters = 0;

  /** Takes QEMU's monitor, the maker of sockets, and the card's identity. */
  constructor(qmp: QmpClient, sockets: Sockets, place: Place) {
    this.#qmp = qmp;
    this.#sockets = sockets;
    this.#place = place;
  }

  /** See {@linkcode GuestCard.address}. */
  get address(): string {
    return this.#place.address;
  }

  /** See {@linkcode GuestCard.plug}. */
  async plug(isIn: boolean): Promise<void> {
    await this.#qmp.send("set_link", { name: this.#place.name, up: isIn });
  }

  /** See {@linkcode GuestCard.divert}. */
  async divert(): Promise<Diversion> {
    const sockets = await this.#addSockets(4);
    const [sentFrom, sentTo, receivedFrom, receivedTo] = sockets;
    const ids = await this.#addFilters(sockets, {
      driver: "filter-redirector",
      position: "head",
      sent: { outdev: sentFrom.id, indev: sentTo.id },
      received: { outdev: receivedFrom.id, indev: receivedTo.id },
    });
    return {
      sent: { from: sentFrom.stream, to: sentTo.stream },
      received: { from: receivedFrom.stream, to: receivedTo.stream },
      remove: async (drain) => {
        await unlessGone(async () => {
          await Promise.all(ids.map((id) =>
            this.#qmp.send("qom-set", {
              path: `/objects/${id}`,
              property: "status",
              value: "off",
            })
          ));
          const bytes = await drain();
          // QEMU answers a command between two reads of some bytes.
          const turns = Math.ceil(bytes / READ_AT_ONCE) + SPARE_TURNS;
          for (let turn = 0; turn < turns; turn++) {
            await this.#qmp.send("query-status");
          }
        });
        await this.#remove(ids, sockets);
      },
    };
  }

  /** See {@linkcode GuestCard.mirror}. */
  async mirror(): Promise<Mirror> {
    const sockets = await this.#addSockets(2);
    const [sent, received] = sockets;
    const ids = await this.#addFilters(sockets, {
      driver: "filter-mirror",
      position: "tail",
      sent: { outdev: sent.id },
      received: { outdev: received.id },
    });
    return {
      sent: sent.stream,
      received: received.stream,
      remove: (read) => this.#remove(ids, sockets, read),
    };
  }

  async #addSockets(count: number): Promise<AddedSocket[]> {
    const number = this.#filters++;
    const adding = await Promise.allSettled(
      Array.from({ length: count }, (_, at) =>
        addSocket(
          this.#qmp,
          this.#sockets,
          `link.${this.#place.number}.${number % 1e6}.${at}`,
        )),
    );
    const added = adding.filter((result) => result.status === "fulfilled")
      .map(({ value }) => value);
    const failed = adding.find((result) => result.status === "rejected");
    if (failed === undefined) return added;
    await this.#remove([], added);
    throw failed.reason;
  }

  /**
   * Adds a filter for each direction. If that fails, it removes the sockets.
   */
  async #addFilters(
    sockets: AddedSocket[],
    { driver, position, ...devices }:
      & { driver: string; position: "head" | "tail" }
      & Record<Direction, Record<string, string>>,
  ): Promise<string[]> {
    const directions = Object.keys(QUEUES) as Direction[];
    const adding = await Promise.allSettled(
      directions.map(async (direction) => {
        const id = `${sockets[0].id}.${direction}`;
        await this.#qmp.send("object-add", {
          "qom-type": driver,
          id,
          netdev: this.#place.wire,
          queue: QUEUES[direction],
          position,
          ...devices[direction],
        });
        return id;
      }),
    );
    const ids = adding.filter((result) => result.status === "fulfilled")
      .map(({ value }) => value);
    const failed = adding.find((result) => result.status === "rejected");
    if (failed === undefined) return ids;
    await this.#remove(ids, sockets);
    throw failed.reason;
  }

  async #remove(
    ids: string[],
    sockets: AddedSocket[],
    read?: () => Promise<void>,
  ): Promise<void> {
    await unlessGone(() =>
      Promise.all(ids.map((id) => this.#qmp.send("object-del", { id })))
    );
    await Promise.all(sockets.map((socket) => socket.remove(read)));
  }
}

/** Runs a command that has no effect after the guest's end. */
async function unlessGone(fn: () => Promise<unknown>): Promise<void> {
  try {
    await fn();
  } catch (error) {
    if (!(error instanceof QmpClosed)) throw error;
  }
}
