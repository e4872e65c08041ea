import { assertEquals } from "@std/assert";
import { Supervisor } from "../../src/backend/mod.ts";
import { lent } from "./lent.ts";
import { startVlan, type Vlan } from "../../src/driver/vlan.ts";

const EVERYBODY = "ffffffffffff", TAG = "81000005", TYPE = "88b5";

/** An address of a card: 52:54:00:00 and the card's number. */
function card(number: number): string {
  return `52540000${number.toString(16).padStart(4, "0")}`;
}

/** An Ethernet frame of hexadecimal parts, filled up to `length` bytes. */
function frame(parts: string[], length = 64): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(Uint8Array.fromHex(parts.join("")));
  return bytes;
}

/** A card without a machine: frames on stdin and stdout, behind their lengths. */
class Plug {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #bytes = new Uint8Array(0);

  constructor(vlan: Vlan) {
    this.#process = new Deno.Command("vde_plug", {
      args: [vlan.socketDir],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    // Read at once: the switch drops what a card that lags behind is sent.
    this.#reader = this.#process.stdout
      .pipeThrough(
        new TransformStream(undefined, undefined, { highWaterMark: Infinity }),
      ).getReader();
  }

  async send(frame: Uint8Array): Promise<void> {
    const bytes = new Uint8Array(2 + frame.length);
    new DataView(bytes.buffer).setUint16(0, frame.length);
    bytes.set(frame, 2);
    await this.#writer.write(bytes);
  }

  /** The next frame. */
  async hear(): Promise<Uint8Array> {
    while (true) {
      const length = this.#bytes.length < 2
        ? Infinity
        : new DataView(this.#bytes.buffer, this.#bytes.byteOffset).getUint16(0);
      if (this.#bytes.length >= 2 + length) {
        const frame = this.#bytes.slice(2, 2 + length);
        this.#bytes = this.#bytes.slice(2 + length);
        return frame;
      }
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("the switch has hung up");
      const bytes = new Uint8Array(this.#bytes.length + value.length);
      bytes.set(this.#bytes);
      bytes.set(value, this.#bytes.length);
      this.#bytes = bytes;
    }
  }

  /** Sends a frame until `other` hears it: the switch may not know both yet. */
  async reach(other: Plug, sent: Uint8Array): Promise<void> {
    let heard = false;
    const hearing = inTime(other.hearOf(sent)).then(() => heard = true);
    while (!heard) {
      await this.send(sent);
      await Promise.race([
        hearing,
        new Promise((resolve) => setTimeout(resolve, 50)),
      ]);
    }
  }

  /** Skips everything before a frame. */
  async hearOf(frame: Uint8Array): Promise<void> {
    while ((await this.hear()).toHex() !== frame.toHex());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#writer.close().catch(() => {});
    await this.#reader.cancel();
    await this.#process.status;
  }
}

/** A VLAN with `count` cards. */
async function vlanWith(count: number) {
  const directory = await Deno.makeTempDir();
  const stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const supervisor = stack.use(new Supervisor());
  const vlan = await startVlan(1, directory, supervisor, lent);
  stack.defer(() => vlan.stop());
  const plugs = Array.from({ length: count }, () => stack.use(new Plug(vlan)));
  return {
    plugs,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The first frame of a card, of which no other sends the same. */
function greetingOf(number: number): Uint8Array {
  return frame([EVERYBODY, card(0xff00 + number), TYPE]);
}

/** The next frame that is no greeting. */
async function heard(plug: Plug): Promise<string> {
  while (true) {
    const text = (await inTime(plug.hear())).toHex();
    if (!text.startsWith(`${EVERYBODY}52540000ff`)) return text;
  }
}

/** What a frame that was lost would keep us from. */
async function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no frame came")), 300_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

Deno.test("frames with 802.1Q tags cross a VLAN, to all and to one", async () => {
  await using test = await vlanWith(2);
  const [a, b] = test.plugs;
  await a.reach(b, greetingOf(1));
  await b.reach(a, greetingOf(2));
  const frames = [
    frame([EVERYBODY, card(1), TYPE]),
    frame([EVERYBODY, card(1), TAG, TYPE]),
    frame([card(2), card(1), TYPE]),
    frame([card(2), card(1), TAG, TYPE]),
    // As long as the data of an MTU of 1500 makes it.
    frame([card(2), card(1), TAG, TYPE], 1518),
  ];
  for (const sent of frames) {
    await a.send(sent);
    assertEquals(await heard(b), sent.toHex());
  }
});

Deno.test("forty cards on one VLAN hear each other", async () => {
  await using test = await vlanWith(40);
  const [first, ...others] = test.plugs;
  for (const [number, other] of others.entries()) {
    await other.reach(first, greetingOf(number + 1));
    await first.reach(other, greetingOf(0));
  }
});
