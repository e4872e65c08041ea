import { assertEquals, assertRejects } from "@std/assert";
import { MachineError } from "../../src/errors.ts";
import { gone, isAlive, processesWith } from "../backend/processes.ts";
import { CARD, Card, frame, ignore, networks, until } from "./tap_cards.ts";

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

Deno.test(
  "the namespace of TAPs, and the processes of diversions, end with a killed driver",
  {
    ignore,
  },
  async () => {
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
    await (await taps.add(1)).divert();
    console.log((await taps.enter()).at(-2));
    await new Promise(() => setInterval(() => {}, 1000));
  `;
    const directory = await Deno.makeTempDir();
    await Deno.writeTextFile(`${directory}/driver.ts`, program);
    const mark = `VMWRIGHT_TEST_MARK=${crypto.randomUUID()}`;
    const driver = new Card([
      ...["env", mark],
      ...[Deno.execPath(), "run", "-A", "--no-check", "--config"],
      new URL("../../deno.json", import.meta.url).pathname,
      ...[`${directory}/driver.ts`, directory],
    ]);
    const inside = Number(await driver.hear());
    assertEquals(isAlive(inside), true);
    const ours = processesWith(mark).map(({ command }) => command);
    const count = (name: string) =>
      ours.filter((command) => command.includes(`${name} `)).length;
    // The VLAN has a switch too.
    assertEquals([count("vde_plug"), count("vde_switch")], [2, 3]);
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
    await gone(() => processesWith(mark).length > 0);
    await driver[Symbol.asyncDispose]();
    await Deno.remove(directory, { recursive: true });
  },
);

const module = (path: string) =>
  JSON.stringify(new URL(`../../src/${path}`, import.meta.url));

/**
 * Makes a TAP on a VLAN and has a program open it, as a user who is not root;
 * prints the user's number and the result.
 */
const ORDINARY = `
import process from "node:process";
import { Supervisor } from ${module("backend/mod.ts")};
import { startVlan } from ${module("driver/vlan.ts")};
import { TapNetwork } from ${module("driver/tap_network.ts")};
import { lent } from ${JSON.stringify(new URL("./lent.ts", import.meta.url))};
if (Deno.uid() === 0) {
  process.setgid(65534);
  process.setuid(65534);
}
const [directory, program] = Deno.args;
await using supervisor = new Supervisor();
const vlan = await startVlan(1, directory, supervisor, lent);
const taps = new TapNetwork(supervisor, () => [vlan]);
try {
  const { name } = await taps.add(1);
  const words = [...await taps.enter(), "python3", "-c", program, name];
  const { stdout, stderr } = await new Deno.Command(words[0], {
    args: words.slice(1),
    stdin: "null",
  }).output();
  const said = [stdout, stderr].map((one) => new TextDecoder().decode(one));
  console.log(Deno.uid(), name, said.join("").trim());
} catch (error) {
  console.log(Deno.uid(), String(error));
}
await taps.stop();
await vlan.stop();
`;

/** What ORDINARY prints where \`ready\`, run by root, has readied /dev/net. */
async function asOrdinaryUser(ready: string): Promise<string> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.chmod(directory, 0o777);
    await Deno.writeTextFile(`${directory}/driver.ts`, ORDINARY);
    const { stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        "--mount",
        ...["sh", "-euc", `${ready}; exec "$@"`, "sh"],
        ...[Deno.execPath(), "run", "-A", "--no-check", "--config"],
        new URL("../../deno.json", import.meta.url).pathname,
        ...[`${directory}/driver.ts`, directory, CARD],
      ],
    }).output();
    const [said, complaint] = [stdout, stderr].map((one) =>
      new TextDecoder().decode(one).trim()
    );
    return said || complaint;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const isRoot = Deno.uid() === 0;
if (!ignore && !isRoot) {
  console.log("Skipped: two tests of TapNetwork, which ready /dev/net as root");
}

Deno.test("a user who is not root has TAPs if everybody may use the device", {
  ignore: ignore || !isRoot,
}, async () => {
  const said = await asOrdinaryUser(
    "mount -t tmpfs none /dev/net; mknod -m 666 /dev/net/tun c 10 200",
  );
  if (/Operation not permitted|unshare failed/.test(said)) {
    console.log(
      `Skipped: the host lets no such user make a namespace: ${said}`,
    );
    return;
  }
  assertEquals(said, "65534 tap0 here");
});

Deno.test(
  "if the host has no device for TAPs, an error says what makes it",
  {
    ignore: ignore || !isRoot,
  },
  async () => {
    assertEquals(
      await asOrdinaryUser("mount -t tmpfs none /dev/net"),
      "65534 MachineError: there are no networks of microVMs: the host has no " +
        "/dev/net/tun, by which a microVM is on a network (the module tun makes " +
        'it; in a sandbox of Nix, extra-sandbox-paths = [ "/dev/net/tun" ] does)',
    );
  },
);
