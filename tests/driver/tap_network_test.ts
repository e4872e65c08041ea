import { assertEquals, assertRejects } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { Supervisor } from "../../src/backend/mod.ts";
import { MachineError } from "../../src/errors.ts";
import { TapNetwork } from "../../src/driver/tap_network.ts";
import { startVlan } from "../../src/driver/vlan.ts";
import { gone, isAlive } from "../backend/processes.ts";
import { lent } from "./lent.ts";

/** A frame of a kind that no kernel sends, to everybody, as hexadecimal digits. */
const frame = (from: number) =>
  `ffffffffffff52540000000${from}88b5`.padEnd(128, "0");

/** What a hypervisor does with a TAP: frames in and out, a line each. */
const CARD = `
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
    os.write(tap, bytes.fromhex(line))
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
const ignore = missing !== undefined;
if (ignore) console.log(`TapNetwork: skipped, ${missing}`);

/** A program on a TAP, or on another place of a network. */
class Card {
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
async function until(
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
async function networks() {
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

Deno.test(
  "TAPs of a VLAN hear each other and what is on its switch, and no other VLAN",
  {
    ignore,
  },
  async () => {
    await using network = await networks();
    const { taps, vlans } = network;
    const names = [await taps.add(1), await taps.add(1), await taps.add(2)];
    assertEquals(names.map(({ name }) => name), ["tap0", "tap1", "tap2"]);
    await using one = await network.card("tap0");
    await using two = await network.card("tap1");
    await using apart = await network.card("tap2");
    // On the switch, where machines of QEMU are.
    const plug = new Deno.Command("vde_plug", {
      args: [vlans[0].socketDir],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = plug.stdin.getWriter();
    const bytes = new Uint8Array(2 + 64);
    bytes[1] = 64;
    bytes.set(Uint8Array.fromHex(frame(3)), 2);
    await until(
      Promise.all([one.hearOf(frame(3)), two.hearOf(frame(3))]),
      () => writer.write(bytes),
    );

    await one.send(frame(1));
    await two.hearOf(frame(1));
    const heard: number[] = [];
    for await (const chunk of plug.stdout) {
      heard.push(...chunk);
      if (heard.length >= 66) break;
    }
    assertEquals(new Uint8Array(heard).toHex(), `0040${frame(1)}`);
    await writer.close().catch(() => {});
    await plug.status;

    // The first that it hears is its own VLAN's.
    await using late = await network.card((await taps.add(2)).name);
    const first = apart.hear();
    await until(first, () => late.send(frame(4)));
    assertEquals(await first, frame(4));
  },
);

Deno.test("a VLAN that the test has not is no network of a TAP", {
  ignore,
}, async () => {
  await using network = await networks();
  const error = await assertRejects(() => network.taps.add(3), MachineError);
  assertEquals(
    error.message,
    "Expected a VLAN of the test, got vlan3; there are: 1, 2",
  );
});

Deno.test("the namespace of TAPs ends with a driver that is killed", {
  ignore,
}, async () => {
  const program = `
    import { Supervisor } from "${
    import.meta.resolve("../../src/backend/mod.ts")
  }";
    import { startVlan } from "${
    import.meta.resolve("../../src/driver/vlan.ts")
  }";
    import { TapNetwork } from "${
    import.meta.resolve("../../src/driver/tap_network.ts")
  }";
    import { lent } from "${import.meta.resolve("./lent.ts")}";
    const supervisor = new Supervisor();
    const vlan = await startVlan(1, Deno.args[0], supervisor, lent);
    const taps = new TapNetwork(supervisor, () => [vlan]);
    await taps.add(1);
    console.log((await taps.enter()).at(-2));
    await new Promise(() => setInterval(() => {}, 1000));
  `;
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/driver.ts`, program);
  const driver = new Card([
    ...[Deno.execPath(), "run", "-A", "--no-check", "--config"],
    new URL("../../deno.json", import.meta.url).pathname,
    ...[`${directory}/driver.ts`, directory],
  ]);
  const inside = Number(await driver.hear());
  assertEquals(isAlive(inside), true);
  const namespace = await Deno.readLink(`/proc/${inside}/ns/net`);
  driver.kill();
  await gone(() => {
    for (const { name } of Deno.readDirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      try {
        if (Deno.readLinkSync(`/proc/${name}/ns/net`) === namespace) {
          return true;
        }
      } catch {
        // Gone meanwhile, or another user's.
      }
    }
    return false;
  });
  await driver[Symbol.asyncDispose]();
  await Deno.remove(directory, { recursive: true });
});
