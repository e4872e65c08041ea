import type { Supervisor, Tap, Taps } from "../backend/mod.ts";
import { MachineError } from "../errors.ts";
import { shellQuote } from "../shell/mod.ts";
import { NetworkNamespace } from "./network_namespace.ts";
import { NetworkTap } from "./network_tap.ts";
import type { Vlan } from "./vlan.ts";

/** Seconds that an interface which a process makes may take. */
const PATIENCE = 30;

/**
 * Network interfaces for hypervisors that can use a network only by a TAP. They
 * are in a network namespace of their own, so they need no privilege, and no
 * other run sees them. In there, each VLAN has a bridge that is plugged into
 * its switch: interfaces on the bridge get all frames of the VLAN.
 */
export class TapNetwork implements Taps {
  readonly #supervisor: Supervisor;
  readonly #vlans: () => readonly Vlan[];
  readonly #bridges = new Map<number, Promise<void>>();
  #namespace?: Promise<NetworkNamespace>;
  /** The TAPs that were made, of which some may have been removed. */
  readonly #made = new Set<NetworkTap>();
  #taps = 0;

  /**
   * Nothing is made before it is needed.
   *
   * @param vlans Gets the VLANs that there are.
   */
  constructor(supervisor: Supervisor, vlans: () => readonly Vlan[]) {
    this.#supervisor = supervisor;
    this.#vlans = vlans;
  }

  /**
   * The words before a command that is to run in the namespace.
   *
   * @throws {MachineError} if the host allows no namespace.
   */
  async enter(): Promise<string[]> {
    return (await this.#open()).enter;
  }

  /**
   * Makes a TAP that is on a VLAN.
   *
   * @throws {MachineError} if there is no such VLAN, or the host has no TAPs.
   */
  async add(nr: number): Promise<Tap> {
    const vlan = this.#vlans().find((vlan) => vlan.nr === nr);
    if (vlan === undefined) {
      const there = this.#vlans().map(({ nr }) => nr).join(", ") || "none";
      throw new MachineError(
        `Expected a VLAN of the test, got vlan${nr}; there are: ${there}`,
      );
    }
    const namespace = await this.#open();
    let bridge = this.#bridges.get(nr);
    if (bridge === undefined) {
      bridge = makeBridge(namespace, vlan);
      this.#bridges.set(nr, bridge);
    }
    await bridge;
    const tap = await NetworkTap.add({
      number: this.#taps++,
      vlan,
      namespace,
      supervisor: this.#supervisor,
    });
    this.#made.add(tap);
    return tap;
  }

  /** Ends the namespace, and everything in it. */
  async stop(): Promise<void> {
    const namespace = await this.#namespace?.catch(() => undefined);
    await Promise.all([...this.#made].map((tap) => tap.remove()));
    await namespace?.stop();
  }

  #open(): Promise<NetworkNamespace> {
    return this.#namespace ??= NetworkNamespace.open(this.#supervisor);
  }
}

/** Makes the bridge of a VLAN, and plugs it into the VLAN's switch. */
async function makeBridge(
  namespace: NetworkNamespace,
  { nr, socketDir }: Vlan,
): Promise<void> {
  const bridge = `vlan${nr}`, plug = `plug${nr}`;
  await namespace.run(
    // A VLAN's switch is a hub: each port gets all frames.
    `ip link add ${bridge} type bridge forward_delay 0 mcast_snooping 0 ` +
      `ageing_time 0 && ip link set ${bridge} addrgenmode none && ` +
      `ip link set ${bridge} up`,
  );
  // There is no event for an interface that another process makes.
  await namespace.run(
    `vde_plug2tap -s ${shellQuote(socketDir)} ${plug} ` +
      "</dev/null >/dev/null 2>&1 & " +
      `tries=${PATIENCE * 100}; ` +
      `until ip link show ${plug} >/dev/null 2>&1; do ` +
      'kill -0 "$!" 2>/dev/null && [ "$tries" -gt 0 ] || ' +
      '{ echo "vde_plug2tap makes no interface"; false; break; }; ' +
      "tries=$((tries - 1)); sleep 0.01; done && " +
      `ip link set ${plug} addrgenmode none && ` +
      `ip link set ${plug} master ${bridge} up`,
  );
}
