/** Bytes of a frame before its sender's address, and bytes of the address. */
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
 * The machines of a network by their hardware addresses: those of their cards,
 * and those from which they have sent frames.
 */
export class Neighbours {
  readonly #owners = new Map<Address, string>();

  /** Notes an address of a machine. */
  learn(address: Address, machine: string): void {
    if (this.#owners.get(address) !== machine) {
      this.#owners.set(address, machine);
    }
  }

  /** The machine with an address, if it is known. */
  ownerOf(address: Address): string | undefined {
    return this.#owners.get(address);
  }
}

/** A VLAN, as links use it. */
export interface Network {
  /** The VLAN's number. */
  readonly nr: number;
  /** The directory with the sockets of its switch. */
  readonly socketDir: string;
}

const all = new WeakMap<Network, Neighbours>();

/** The machines of a VLAN by their addresses. */
export function neighboursOf(network: Network): Neighbours {
  let found = all.get(network);
  if (found === undefined) {
    found = new Neighbours();
    all.set(network, found);
  }
  return found;
}
