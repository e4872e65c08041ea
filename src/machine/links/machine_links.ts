import { type Link, type Linked, makeLink, settleLink } from "./link.ts";
import type { Network } from "./neighbours.ts";

/** The links of a machine that the test uses. */
export class MachineLinks {
  readonly #machine: Linked;
  readonly #links = new Map<Network, Link>();

  /** Takes what links use of their machine. */
  constructor(machine: Linked) {
    this.#machine = machine;
  }

  /** All of them. */
  get all(): Iterable<Link> {
    return this.#links.values();
  }

  /** The link to a VLAN. */
  to(network: Network): Link {
    let link = this.#links.get(network);
    if (link === undefined) {
      link = makeLink(this.#machine, network);
      this.#links.set(network, link);
    }
    return link;
  }

  /** Applies the test's link settings to a guest that has just started. */
  async settle(): Promise<void> {
    for (const link of this.all) await settleLink(link);
  }
}
