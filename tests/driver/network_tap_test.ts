import { assert, assertEquals } from "@std/assert";
import type { Diversion } from "../../src/backend/mod.ts";
import { FrameReader } from "../../src/machine/links/frame_reader.ts";
import { isClosedError } from "../../src/stream/mod.ts";
import { writeAll } from "../../src/stream/mod.ts";
import { frame, ignore, networks, until } from "./tap_cards.ts";

/** A frame with a number, from a card. */
const numbered = (from: number, number: number) =>
  frame(from).slice(0, 32) + number.toString(16).padStart(96, "0");

/** Passes frames on, as a link does, and keeps them. */
function relay({ sent, received }: Diversion) {
  const kept: Record<"sent" | "received", string[]> = {
    sent: [],
    received: [],
  };
  const isHeld = { sent: false, received: false };
  const held: (() => Promise<void>)[] = [];
  const pass = async (name: "sent" | "received") => {
    const { from, to } = { sent, received }[name];
    const reader = new FrameReader(from);
    try {
      for (let frames; (frames = await reader.next()) !== null;) {
        for (const bytes of frames) {
          kept[name].push(bytes.subarray(4).toHex());
          if (isHeld[name]) held.push(() => writeAll(to, bytes));
          else await writeAll(to, bytes);
        }
      }
    } catch (error) {
      if (!isClosedError(error)) throw error;
    }
  };
  return {
    kept,
    isHeld,
    async drain() {
      isHeld.sent = isHeld.received = false;
      for (const send of held.splice(0)) await send();
      return 0;
    },
    over: Promise.all([pass("sent"), pass("received")]),
  };
}

/** Two cards on a VLAN that hear each other. */
async function pair(network: Awaited<ReturnType<typeof networks>>) {
  const [tap, other] = [await network.taps.add(1), await network.taps.add(1)];
  const [one, two] = [
    await network.card(tap.name),
    await network.card(other.name),
  ];
  const [first, last] = [0xffff, 0xfffe].map((number) =>
    [1, 2].map((from) => numbered(from, number))
  );
  await until(
    Promise.all([one.hearOf(first[1]), two.hearOf(first[0])]),
    async () => {
      await one.send(first[0]);
      await two.send(first[1]);
    },
  );
  await one.send(last[0]);
  await two.send(last[1]);
  await Promise.all([one.hearOf(last[1]), two.hearOf(last[0])]);
  return {
    tap,
    other,
    one,
    two,
    async [Symbol.asyncDispose]() {
      await one[Symbol.asyncDispose]();
      await two[Symbol.asyncDispose]();
    },
  };
}

/** The interfaces of the namespace. */
async function interfaces(
  network: Awaited<ReturnType<typeof networks>>,
): Promise<string[]> {
  const [program, ...args] = await network.taps.enter();
  const { stdout } = await new Deno.Command(program, {
    args: [...args, "ip", "-oneline", "link"],
  }).output();
  return [...new TextDecoder().decode(stdout).matchAll(/^\d+: ([^:@]+)/gm)]
    .map(([, name]) => name).toSorted();
}

Deno.test("a diversion gets a TAP's frames, both ways", {
  ignore,
}, async () => {
  await using network = await networks();
  await using cards = await pair(network);
  const { tap, one, two } = cards;
  for (let round = 0; round < 2; round++) {
    const before = await interfaces(network);
    const diversion = await tap.divert();
    const { kept, drain, over } = relay(diversion);
    await one.send(numbered(1, round));
    assertEquals(await two.hear(), numbered(1, round));
    await two.send(numbered(2, round));
    assertEquals(await one.hear(), numbered(2, round));
    assert(kept.sent.includes(numbered(1, round)));
    assert(!kept.sent.includes(numbered(2, round)));
    assert(kept.received.includes(numbered(2, round)));
    assert(!kept.received.includes(numbered(1, round)));

    await diversion.remove(drain);
    await over;
    await one.send(numbered(1, 100));
    assertEquals(await two.hear(), numbered(1, 100));
    await two.send(numbered(2, 100));
    assertEquals(await one.hear(), numbered(2, 100));
    assert(!kept.sent.includes(numbered(1, 100)));
    // The second time, it leaves nothing more.
    if (round > 0) assertEquals(await interfaces(network), before);
  }
});

Deno.test("no frame on its way is lost or doubled when a diversion ends", {
  ignore,
}, async () => {
  await using network = await networks();
  await using cards = await pair(network);
  const { tap, one, two } = cards;
  const diversion = await tap.divert();
  const { kept, isHeld, drain, over } = relay(diversion);
  isHeld.sent = isHeld.received = true;
  const count = 50;
  for (let n = 0; n < count; n++) {
    await one.send(numbered(1, n));
    await two.send(numbered(2, n));
  }
  const isKept = () =>
    kept.sent.includes(numbered(1, count - 1)) &&
    kept.received.includes(numbered(2, count - 1));
  while (!isKept()) await new Promise((resolve) => setTimeout(resolve, 1));
  await diversion.remove(drain);
  await over;
  await one.send(numbered(1, count));
  await two.send(numbered(2, count));
  for (const [card, from] of [[one, 2], [two, 1]] as const) {
    for (let n = 0; n <= count; n++) {
      assertEquals(await card.hear(), numbered(from, n));
    }
  }
});

Deno.test("several diversions can begin and end at a time", {
  ignore,
}, async () => {
  await using network = await networks();
  await using cards = await pair(network);
  const { tap, other, one, two } = cards;
  for (let round = 0; round < 5; round++) {
    const diversions = await Promise.all([tap.divert(), other.divert()]);
    const relays = diversions.map(relay);
    await one.send(numbered(1, round));
    await two.send(numbered(2, round));
    assertEquals(await two.hear(), numbered(1, round));
    assertEquals(await one.hear(), numbered(2, round));
    await Promise.all(
      diversions.map((diversion, at) => diversion.remove(relays[at].drain)),
    );
    await Promise.all(relays.map(({ over }) => over));
    await one.send(numbered(1, 100));
    await two.send(numbered(2, 100));
    assertEquals(await two.hear(), numbered(1, 100));
    assertEquals(await one.hear(), numbered(2, 100));
  }
});

Deno.test("a TAP whose cable is unplugged hears nothing and is not heard", {
  ignore,
}, async () => {
  await using network = await networks();
  await using cards = await pair(network);
  const { tap, one, two } = cards;
  const check = async (round: number) => {
    await tap.plug(false);
    await one.send(numbered(1, round));
    await two.send(numbered(2, round));
    await one.written();
    await two.written();
    await tap.plug(true);
    await one.send(numbered(1, round + 1));
    await two.send(numbered(2, round + 1));
    assertEquals(await two.hear(), numbered(1, round + 1));
    assertEquals(await one.hear(), numbered(2, round + 1));
  };
  await check(0);
  // What diverts its frames does not plug it in.
  await tap.plug(false);
  const diversion = await tap.divert();
  const { kept, drain, over } = relay(diversion);
  await one.send(numbered(1, 50));
  await one.written();
  await tap.plug(true);
  await one.send(numbered(1, 51));
  assertEquals(await two.hear(), numbered(1, 51));
  assert(!kept.sent.includes(numbered(1, 50)));
  await diversion.remove(drain);
  await over;
  await check(60);
});

Deno.test("a TAP that is removed takes its diversion with it", {
  ignore,
}, async () => {
  await using network = await networks();
  const before = await (await network.taps.add(1), interfaces(network));
  const tap = await network.taps.add(1);
  const { over } = relay(await tap.divert());
  await tap.remove();
  await over;
  assertEquals(await interfaces(network), before);
  // Whoever ends it now has nothing to do.
  const other = await network.taps.add(1);
  const diversion = await other.divert();
  const late = relay(diversion);
  const removing = other.remove();
  await diversion.remove(late.drain);
  await Promise.all([removing, late.over]);
  assertEquals(await interfaces(network), before);
});
