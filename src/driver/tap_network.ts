import type { Supervisor, Tap, Taps } from "../backend/mod.ts";
import { MachineError } from "../errors.ts";
import { LineSplitter } from "../scan/mod.ts";
import { shellQuote } from "../shell/mod.ts";
import serve from "./network_namespace.sh" with { type: "text" };
import type { Vlan } from "./vlan.ts";

/** The device that makes TAPs. */
const TUN = "/dev/net/tun";
/** Seconds that an interface which a process makes may take. */
const PATIENCE = 30;

/**
 * Network interfaces for hypervisors that know no other way into a network than
 * a TAP. They are in a network namespace of their own, so they need no
 * privilege, and no other run sees them. In there, each VLAN has a bridge, with
 * a plug to its switch: what is on the bridge hears what else is on the VLAN.
 */
export class TapNetwork implements Taps {
  readonly #supervisor: Supervisor;
  readonly #vlans: () => readonly Vlan[];
  readonly #bridges = new Map<number, Promise<void>>();
  #namespace?: Promise<Namespace>;
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
    const { pid } = await this.#open();
    return [
      ..."nsenter --preserve-credentials --user --net --target".split(" "),
      ...[`${pid}`, "--"],
    ];
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
    const name = `tap${this.#taps++}`;
    await namespace.run(
      `ip tuntap add ${name} mode tap vnet_hdr && ` +
        `ip link set ${name} addrgenmode none && ` +
        `ip link set ${name} master vlan${nr} up`,
    );
    return { name, remove: () => namespace.run(`ip link delete ${name}`) };
  }

  /** Ends the namespace, and what is in there. */
  async stop(): Promise<void> {
    const namespace = await this.#namespace?.catch(() => undefined);
    await namespace?.stop();
  }

  #open(): Promise<Namespace> {
    return this.#namespace ??= Namespace.open(this.#supervisor);
  }
}

/** Makes the bridge of a VLAN, and plugs it into the VLAN's switch. */
async function makeBridge(
  namespace: Namespace,
  { nr, socketDir }: Vlan,
): Promise<void> {
  const bridge = `vlan${nr}`, plug = `plug${nr}`;
  await namespace.run(
    `ip link add ${bridge} type bridge forward_delay 0 mcast_snooping 0 && ` +
      `ip link set ${bridge} addrgenmode none && ip link set ${bridge} up`,
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

/** A network namespace, and a shell in it. */
class Namespace {
  readonly #process: Deno.ChildProcess;
  readonly #supervisor: Supervisor;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #said: Promise<string>;
  readonly #lines: AsyncGenerator<string>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(process: Deno.ChildProcess, supervisor: Supervisor) {
    this.#process = process;
    this.#supervisor = supervisor;
    this.#stdin = process.stdin.getWriter();
    this.#said = new Response(process.stderr).text();
    this.#lines = linesOf(process.stdout);
  }

  static async open(supervisor: Supervisor): Promise<Namespace> {
    const failed = (why: string) =>
      new MachineError(`there are no networks of microVMs: ${why}`);
    try {
      Deno.lstatSync(TUN);
    } catch {
      throw failed(
        `the host has no ${TUN}, by which a microVM is on a network (the ` +
          "module tun makes it; in a sandbox of Nix, extra-sandbox-paths = " +
          `[ "${TUN}" ] does)`,
      );
    }
    const process = supervisor.spawn(
      "exec unshare --user --map-root-user --net -- " +
        `/bin/sh -c ${shellQuote(serve)} vmwright-network 'ip link set lo up'`,
    );
    const namespace = new Namespace(process, supervisor);
    try {
      await namespace.#answer();
      return namespace;
    } catch (error) {
      await namespace.stop();
      if (!(error instanceof MachineError)) throw error;
      throw failed(error.message);
    }
  }

  /** A process in it. */
  get pid(): number {
    return this.#process.pid;
  }

  /**
   * Runs a command of one line in it.
   *
   * @throws {MachineError} if it fails.
   */
  run(command: string): Promise<void> {
    const done = this.#last.then(async () => {
      await this.#stdin.write(new TextEncoder().encode(`${command}\n`))
        .catch(() => {});
      await this.#answer();
    });
    this.#last = done.catch(() => {});
    return done;
  }

  async #answer(): Promise<void> {
    const { value, done } = await this.#lines.next();
    if (done) {
      throw new MachineError(
        (await this.#said).trim() || "its namespace has ended",
      );
    }
    if (value !== "0") throw new MachineError(value.slice("1 ".length));
  }

  async stop(): Promise<void> {
    this.#supervisor.kill(this.#process, "SIGKILL");
    await this.#process.status;
    this.#supervisor.reap(this.#process);
    await this.#stdin.close().catch(() => {});
    await this.#lines.return(undefined);
    await this.#said;
  }
}

async function* linesOf(
  pipe: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  using lines = new LineSplitter();
  for await (const chunk of pipe) yield* lines.push(chunk);
}
