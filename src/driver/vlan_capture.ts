import type { Supervisor } from "../backend/mod.ts";
import {
  addressText,
  type CaptureFile,
  introduceLink,
  neighboursOf,
  type Network,
  senderOf,
} from "../machine/mod.ts";
import { shellQuote } from "../shell/mod.ts";
import { MachineError } from "../errors.ts";
import { delay } from "../time/mod.ts";
import type { LinkedMachine } from "./kinds.ts";

/** Bytes of the length that vde_plug writes before each frame. */
const HEADER = 2;
/** Milliseconds between two looks for the port. There is no event for it. */
const LOOK_MS = 10;

/** Writes all frames of a VLAN to a file. */
export class VlanCapture {
  readonly #vlan: Network;
  readonly #file: CaptureFile;
  readonly #machines: () => readonly LinkedMachine[];
  readonly #supervisor: Supervisor;
  readonly #process: Deno.ChildProcess;
  readonly #ended: Promise<void>;
  readonly #said: Promise<string>;
  /** The earlier ports of the switch. */
  readonly #before: string[];
  /** The interfaces, by hardware address. */
  readonly #interfaces = new Map<number, number>();

  /**
   * Begins a capture.
   *
   * @param file The file.
   * @param machines The machines that may be on the VLAN.
   */
  constructor(
    vlan: Network,
    file: CaptureFile,
    machines: () => readonly LinkedMachine[],
    supervisor: Supervisor,
  ) {
    this.#vlan = vlan;
    this.#file = file;
    this.#machines = machines;
    this.#supervisor = supervisor;
    this.#before = ports(vlan);
    this.#process = supervisor.spawn(
      `exec vde_plug ${shellQuote(vlan.socketDir)}`,
    );
    this.#said = new Response(this.#process.stderr).text();
    this.#ended = this.#read(this.#process.stdout);
  }

  /**
   * Waits until frames come.
   *
   * @throws {MachineError} if none will come.
   */
  async ready(): Promise<void> {
    let ended = false;
    this.#process.status.then(() => ended = true);
    const isPlugged = () =>
      ports(this.#vlan).some((port) => !this.#before.includes(port));
    while (!ended && !isPlugged()) await delay(LOOK_MS / 1000);
    if (!ended) return;
    throw new MachineError(
      `the frames of VLAN ${this.#vlan.nr} can't be captured without vde_plug, ` +
        `which ended: ${(await this.#said).trim() || "it said nothing"}`,
    );
  }

  /** Ends the file. */
  async stop(): Promise<void> {
    this.#supervisor.kill(this.#process);
    await this.#process.status;
    this.#supervisor.reap(this.#process);
    await this.#process.stdin.close().catch(() => {});
    await Promise.all([this.#ended, this.#said]);
    await this.#file.close();
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = new Uint8Array(0);
    for await (const chunk of stream) {
      let bytes = chunk;
      if (rest.length > 0) {
        bytes = new Uint8Array(rest.length + chunk.length);
        bytes.set(rest);
        bytes.set(chunk, rest.length);
      }
      let at = 0;
      while (bytes.length - at >= HEADER) {
        const end = at + HEADER + (bytes[at] << 8 | bytes[at + 1]);
        if (end > bytes.length) break;
        const frame = bytes.subarray(at + HEADER, end);
        const sender = senderOf(frame);
        const known = this.#interfaces.get(sender);
        this.#file.write(known ?? await this.#interfaceOf(sender), [frame]);
        at = end;
      }
      rest = bytes.slice(at);
    }
  }

  /**
   * The interface of a sender: that of its machine, if the machine is known.
   */
  async #interfaceOf(sender: number): Promise<number> {
    const neighbours = neighboursOf(this.#vlan);
    if (neighbours.ownerOf(sender) === undefined) {
      await Promise.allSettled(
        this.#machines().map((machine) =>
          introduceLink(machine.link(this.#vlan))
        ),
      );
    }
    const name = neighbours.ownerOf(sender) ?? addressText(sender);
    const number = this.#file.interface(name, addressText(sender));
    this.#interfaces.set(sender, number);
    return number;
  }
}

/** The sockets of a switch's ports. */
function ports({ socketDir }: Network): string[] {
  return [...Deno.readDirSync(socketDir)].map(({ name }) => name);
}
