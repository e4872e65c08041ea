import { assert, assertEquals } from "@std/assert";
import {
  Lane,
  type LaneOptions,
  noFrames,
} from "../../../src/machine/links/lane.ts";
import { FrameReader } from "../../../src/machine/links/frame_reader.ts";
import { random } from "../../../src/machine/links/random.ts";
import {
  impairments,
  type LinkSettings,
} from "../../../src/machine/links/settings.ts";
import { framed, MemoryStream } from "./frames.ts";

/** A lane between streams in memory. */
function lane(
  bars: (frame: Uint8Array) => boolean = () => false,
  others: Partial<Pick<LaneOptions, "comes" | "goes" | "random">> = {},
) {
  const from = new MemoryStream(), to = new MemoryStream();
  const counters = noFrames();
  const made = new Lane({ from, to }, {
    random: random("seed"),
    counters,
    bars,
    ...others,
  });
  const reader = new FrameReader(to);
  const heard: Uint8Array[] = [];
  return {
    counters,
    from,
    to,
    set: (settings: LinkSettings) =>
      made.set(impairments(settings).send ?? null),
    drain: () => made.drain(),
    /** Waits until the lane has taken so many frames. */
    async taken(count: number): Promise<void> {
      while (counters.frames < count) {
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
    async hear(count: number): Promise<Uint8Array[]> {
      while (heard.length < count) heard.push(...(await reader.next())!);
      return heard.splice(0, count);
    },
    [Symbol.dispose]: () => {
      from.close();
      made.close();
    },
  };
}

Deno.test("a lane with nothing set passes frames as they are", async () => {
  using test = lane();
  const sent = Array.from({ length: 500 }, (_, n) => framed(n, 60 + n));
  for (const frame of sent) test.from.write(frame);
  assertEquals(await test.hear(500), sent);
  assertEquals(test.counters.frames, 500);
  assertEquals(
    test.counters.bytes,
    sent.reduce((sum, frame) => sum + frame.length - 4, 0),
  );
});

Deno.test("a lane delays frames, and keeps their order when that ends", async () => {
  using test = lane();
  test.set({ delay: 0.1 });
  const began = performance.now();
  for (let n = 0; n < 5; n++) test.from.write(framed(n));
  assertEquals(await test.hear(5), [0, 1, 2, 3, 4].map((n) => framed(n)));
  assert(performance.now() - began >= 100);
  test.set({ delay: 1000 });
  test.from.write(framed(5));
  await test.taken(6);
  await test.drain();
  test.from.write(framed(6));
  assertEquals(await test.hear(2), [framed(5), framed(6)]);
});

Deno.test("what a lane takes away and adds is counted", async () => {
  using test = lane((frame) => frame[0] === 9);
  test.set({ loss: 1 });
  test.from.write(framed(1));
  await test.taken(1);
  test.set({ duplicate: 1 });
  test.from.write(framed(2));
  test.from.write(framed(9));
  await test.taken(3);
  test.set({ corrupt: 1 });
  test.from.write(framed(3));
  const [first, second, third] = await test.hear(3);
  assertEquals([first, second], [framed(2), framed(2)]);
  const turned = third.slice(4).map((byte) => byte ^ 3)
    .filter((byte) => byte !== 0);
  assert(turned.length === 1 && (turned[0] & (turned[0] - 1)) === 0);
  assertEquals(test.counters, {
    frames: 4,
    bytes: 4 * 64,
    lost: 1,
    dropped: 0,
    barred: 1,
    duplicated: 1,
    reordered: 0,
    corrupted: 1,
  });
});

Deno.test("observers see frames before and after the link's effects", async () => {
  const came: number[] = [], went: number[] = [];
  using test = lane((frame) => frame[0] === 9, {
    comes: (frame) => void came.push(frame[0]),
    goes: (frame) => void went.push(frame[0]),
  });
  test.from.write(framed(1));
  test.from.write(framed(9));
  await test.taken(2);
  test.set({ loss: 1 });
  test.from.write(framed(2));
  await test.taken(3);
  test.set({ duplicate: 1 });
  test.from.write(framed(3));
  await test.hear(3);
  assertEquals([came, went], [[1, 9, 2, 3], [1, 3, 3]]);
});

Deno.test("a delayed frame can be overtaken", async () => {
  const drawn = [0, 0.9];
  using test = lane(undefined, { random: () => drawn.shift()! });
  test.set({ reorder: 0.5 });
  // Both come at the same time, however busy the host is.
  test.from.write(new Uint8Array([...framed(1), ...framed(2)]));
  assertEquals(await test.hear(2), [framed(2), framed(1)]);
  assertEquals(test.counters.reordered, 1);
});

Deno.test("a lane goes on reading while nobody takes what it writes", async () => {
  const from = new MemoryStream();
  const stuck = {
    ...new MemoryStream(),
    write: () => new Promise<number>(() => {}),
  };
  const counters = noFrames();
  const made = new Lane({ from, to: stuck }, {
    random: random("seed"),
    counters,
    bars: () => false,
  });
  // Eighty megabytes, of which it keeps 64.
  for (let n = 0; n < 1280; n++) from.write(framed(n, 65_536));
  while (counters.frames < 1280) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert(counters.dropped > 200);
  made.close();
  from.close();
});
