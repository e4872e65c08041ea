import { type QmpClient, QmpClosed } from "../../qmp/mod.ts";
import type { Diversion, GuestCard, Mirror } from "../backend.ts";
import { type AddedSocket, addSocket } from "./added_socket.ts";
import type { Sockets } from "./sockets.ts";

/** Where a card is among those of its guest. */
export interface Place {
  /** What QEMU calls the card. */
  readonly name: string;
  /** The card's hardware address. */
  readonly address: string;
  /** What QEMU calls the other end of its cable. */
  readonly wire: string;
  /** Tells the guest's cards apart. */
  readonly number: number;
}

/** QEMU's names for the directions, as the other end of the cable sees them. */
const QUEUES = { sent: "rx", received: "tx" } as const;

/** Bytes that QEMU reads from a socket before it looks after others. */
const READ_AT_ONCE = 4096;
/** Turns of QEMU's that are waited for beside those that are counted. */
const SPARE_TURNS = 2;

type Direction = keyof typeof QUEUES;

/**
 * A network card of a guest of QEMU's. Filters that are put in while QEMU runs
 * do what is done to frames: those that divert them at the end of the wire,
 * those that copy them at the end of the guest.
 */
export class QemuCard implements GuestCard {
  readonly #qmp: QmpClient;
  readonly #sockets: Sockets;
  readonly #place: Place;
  #filters = 0;

  /** Takes QEMU's monitor, what new sockets are made with, and the card's place. */
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
          // QEMU answers in turn with what it reads, some of it at a time.
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

  /** Adds a filter for each direction; where that fails, removes the sockets. */
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

/** Does what has no object where the guest has ended. */
async function unlessGone(fn: () => Promise<unknown>): Promise<void> {
  try {
    await fn();
  } catch (error) {
    if (!(error instanceof QmpClosed)) throw error;
  }
}
