/** Bytes of a frame before its sender's address, and of that. */
const SENDER = 6, ADDRESS = 6;

/** A hardware address as a number. */
export type Address = number;

/** The address of a frame's sender. */
export function senderOf(frame: Uint8Array): Address {
  if (frame.length < SENDER + ADDRESS) return -1;
  let address = 0;
  for (let at = SENDER; at < SENDER + ADDRESS; at++) {
    address = address * 256 + frame[at];
  }
  return address;
}

/** An address as hexadecimal digits, in pairs with colons between them. */
export function addressText(address: Address): string {
  return address.toString(16).padStart(2 * ADDRESS, "0").match(/../g)!.join(
    ":",
  );
}

/** An address of hexadecimal digits, in pairs with colons between them. */
export function addressOf(text: string): Address {
  return parseInt(text.replaceAll(":", ""), 16);
}

/**
 * Who is who on a network: which machine has which hardware addresses. A
 * machine has those of its card, and those that it was seen to send by.
 */
export class Neighbours {
  readonly #owners = new Map<Address, string>();

  /** Takes note of an address of a machine's. */
  learn(address: Address, machine: string): void {
    if (this.#owners.get(address) !== machine) {
      this.#owners.set(address, machine);
    }
  }

  /** Whose address it is, where that is known. */
  ownerOf(address: Address): string | undefined {
    return this.#owners.get(address);
  }
}

/** A VLAN, as a machine's link knows it. */
export interface Network {
  /** The VLAN's number. */
  readonly nr: number;
  /** The directory with the sockets of its switch. */
  readonly socketDir: string;
}

const all = new WeakMap<Network, Neighbours>();

/** Who is who on a VLAN. */
export function neighboursOf(network: Network): Neighbours {
  let found = all.get(network);
  if (found === undefined) {
    found = new Neighbours();
    all.set(network, found);
  }
  return found;
}
