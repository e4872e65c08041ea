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
    this.#reader = this.#process.stdout.getReader();
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

  /** Waits until the switch knows this card, by what `other` hears of it. */
  async arrive(other: Plug): Promise<void> {
    let heard = false;
    const hearing = inTime(other.hear()).then(() => heard = true);
    while (!heard) {
      await this.send(frame([EVERYBODY, card(0xffff), TYPE]));
      await Promise.race([
        hearing,
        new Promise((resolve) => setTimeout(resolve, 50)),
      ]);
    }
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

/** The next frame that does not come of {@linkcode Plug.arrive}. */
async function heard(plug: Plug): Promise<string> {
  while (true) {
    const text = (await inTime(plug.hear())).toHex();
    if (!text.startsWith(EVERYBODY + card(0xffff))) return text;
  }
}

/** What a frame that was lost would keep us from. */
async function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no frame came")), 30_000);
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
  await a.arrive(b);
  await b.arrive(a);
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
  // They come in any order, and the switch knows one only once it was heard.
  for (const other of others) await other.arrive(first);
  const sent = frame([EVERYBODY, card(1), TYPE]);
  await first.send(sent);
  for (const other of others) assertEquals(await heard(other), sent.toHex());
});
