import type {
  Diversion,
  GuestCard,
  GuestNetwork,
  StartOptions,
  Tap,
} from "../backend.ts";
import { StartFailure } from "../start_failure.ts";
import { vlanOf } from "./description.ts";

/** How a card is wired, as a hypervisor takes it. */
export interface Wiring {
  /** The name of its TAP. */
  readonly tap: string;
  /** Its hardware address, if it is known. */
  readonly address?: string;
}

/** The network cards of a microVM. */
export class MicroVmNetwork implements GuestNetwork {
  readonly #options: Pick<StartOptions, "name" | "taps">;
  readonly #cards: TapCard[] = [];
  #ownInterface?: string;

  /** Takes the machine's name, and what makes TAPs. */
  constructor(options: Pick<StartOptions, "name" | "taps">) {
    this.#options = options;
  }

  /**
   * Wires a card of a description. One whose TAP is called `vlan` and a number
   * is on that VLAN; there it gets a hardware address, if the description has
   * none, that is the same at each start.
   *
   * @throws {MachineError} if there is no such VLAN.
   */
  async wire(name: string, address?: string): Promise<Wiring> {
    const vlan = vlanOf(name);
    if (vlan === undefined) {
      this.#ownInterface ??= name;
      return { tap: name, address };
    }
    const { name: machine, taps } = this.#options;
    if (taps === undefined) {
      throw new StartFailure(
        `${machine} did not start: its description wires it to VLAN ${vlan}, ` +
          "and the driver makes no TAPs here",
      );
    }
    const number = this.#cards.length;
    const card = new TapCard(
      await taps.add(vlan),
      address ?? await addressFor(`${machine} ${number}`),
    );
    this.#cards.push(card);
    return { tap: card.tap.name, address: card.address };
  }

  /**
   * The words before the command of the hypervisor, which run it where its TAPs
   * are.
   */
  async enter(): Promise<string[]> {
    return this.#cards.length === 0 ? [] : await this.#options.taps!.enter();
  }

  /** The host's interface that one of its cards is on, unless it is a TAP of ours. */
  get ownInterface(): string | undefined {
    return this.#ownInterface;
  }

  /** See {@linkcode GuestNetwork.plug}. */
  async plug(isIn: boolean): Promise<void> {
    await Promise.all(this.#cards.map((card) => card.plug(isIn)));
  }

  /** See {@linkcode GuestNetwork.card}. */
  card(socketDir: string): Promise<GuestCard | undefined> {
    return Promise.resolve(
      this.#cards.find(({ tap }) => tap.socketDir === socketDir),
    );
  }

  /** See {@linkcode GuestNetwork.lack}. */
  lack(vlan: number): string {
    return `its description has none with the TAP "vlan${vlan}"`;
  }

  /** Removes its TAPs. */
  async remove(): Promise<void> {
    await Promise.all(this.#cards.splice(0).map(({ tap }) => tap.remove()));
  }
}

/** A network card whose other end is a TAP. */
class TapCard implements GuestCard {
  readonly tap: Tap;
  readonly address: string;

  constructor(tap: Tap, address: string) {
    this.tap = tap;
    this.address = address;
  }

  plug(isIn: boolean): Promise<void> {
    return this.tap.plug(isIn);
  }

  divert(): Promise<Diversion> {
    return this.tap.divert();
  }
}

/** A hardware address, a local one, that follows from a text. */
async function addressFor(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `02${digest.slice(0, 5).toHex()}`.match(/../g)!.join(":");
}
