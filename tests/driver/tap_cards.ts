import { assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { Supervisor } from "../../src/backend/mod.ts";
import { TapNetwork } from "../../src/driver/tap_network.ts";
import { startVlan } from "../../src/driver/vlan.ts";
import { lent } from "./lent.ts";

/** A frame of a kind that no kernel sends, to everybody, as hexadecimal digits. */
export const frame = (from: number) =>
  `ffffffffffff52540000000${from}88b5`.padEnd(128, "0");

/** What a hypervisor does with a TAP: frames in and out, a line each. */
export const CARD = `
import fcntl, os, struct, sys, threading
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", sys.argv[1].encode(), 0x1002))
def hear():
    while True:
        frame = os.read(tap, 2048)
        if frame[12:14] == b"\\x88\\xb5":
            print(frame.hex(), flush=True)
threading.Thread(target=hear, daemon=True).start()
print("here", flush=True)
for line in sys.stdin:
    if line.strip(): os.write(tap, bytes.fromhex(line))
    else: print("written", flush=True)
`;

const missing = (() => {
  try {
    Deno.openSync("/dev/net/tun", { read: true, write: true }).close();
  } catch (error) {
    return `${error}`;
  }
  const { success, stderr } = new Deno.Command("unshare", {
    args: ["--user", "--map-root-user", "--net", "true"],
  }).outputSync();
  if (!success) return new TextDecoder().decode(stderr).trim();
})();
/** Whether this host has no TAPs without root. */
export const ignore = missing !== undefined;
if (ignore) console.log(`TAPs: skipped, ${missing}`);

/** A program on a TAP, or on another place of a network. */
export class Card {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;

  constructor(command: string[]) {
    this.#process = new Deno.Command(command[0], {
      args: command.slice(1),
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream()).getReader();
  }

  async hear(): Promise<string> {
    return (await this.#lines.read()).value!;
  }

  async send(frame: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${frame}\n`));
  }

  /** Hears until it hears a frame. */
  async hearOf(frame: string): Promise<void> {
    while (await this.hear() !== frame);
  }

  /** Waits until all that was sent has left. It may hear nothing meanwhile. */
  async written(): Promise<void> {
    await this.send("");
    assertEquals(await this.hear(), "written");
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#process.status;
    await this.#lines.cancel();
  }
}

/**
 * Sends again and again until that is heard: the bridge takes a TAP that
 * somebody has just opened for one without a carrier, for a moment.
 */
export async function until(
  heard: Promise<unknown>,
  send: () => Promise<void>,
): Promise<void> {
  let isHeard = false;
  const hearing = heard.then(() => isHeard = true);
  while (!isHeard) {
    await send();
    await Promise.race([
      hearing,
      new Promise((resolve) => setTimeout(resolve, 50)),
    ]);
  }
}

/** VLANs 1 and 2, and a network of TAPs on them. */
export async function networks() {
  const directory = await Deno.makeTempDir();
  const supervisor = new Supervisor();
  const vlans = await Promise.all(
    [1, 2].map((nr) => startVlan(nr, directory, supervisor, lent)),
  );
  const taps = new TapNetwork(supervisor, () => vlans);
  return {
    vlans,
    taps,
    async card(name: string) {
      const card = new Card([
        ...await taps.enter(),
        ...["python3", "-c", CARD, name],
      ]);
      assertEquals(await card.hear(), "here");
      return card;
    },
    async [Symbol.asyncDispose]() {
      await taps.stop();
      for (const vlan of vlans) await vlan.stop();
      await supervisor[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}
