import { assertEquals, assertRejects } from "@std/assert";
import { splitState } from "../../src/backend/qemu/memory_file.ts";

const PAGE = 4096;
/** Flags of a page's address: all zero, its bytes follow, of the same block. */
const ZERO = 0x02, FULL = 0x08, SAME = 0x20;
const never = new AbortController().signal;

/** Writes a stream as QEMU does. */
class Stream {
  readonly #bytes: number[] = [];

  put(...bytes: Iterable<number>[]): this {
    for (const part of bytes) for (const byte of part) this.#bytes.push(byte);
    return this;
  }

  word(number: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, number);
    return this.put(bytes);
  }

  long(number: number): this {
    return this.word(Math.floor(number / 2 ** 32)).word(number % 2 ** 32);
  }

  name(text: string): this {
    return this.put([text.length], new TextEncoder().encode(text));
  }

  page(offset: number, fill: number, block?: string): this {
    const flags = (fill === 0 ? ZERO : FULL) | (block === undefined ? SAME : 0);
    this.long(offset + flags);
    if (block !== undefined) this.name(block);
    return this.put(fill === 0 ? [0] : new Uint8Array(PAGE).fill(fill));
  }

  /** Begins a part of the memory's section: 2 for one, 3 for the last. */
  part(kind: number): this {
    return this.put([kind]).word(2);
  }

  end(): this {
    return this.long(0x10).put([0x7e]).word(2);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes);
  }
}

/**
 * The bytes before the pages of a guest with eight pages and a screen of two.
 */
function beginning(size = 8 * PAGE): Stream {
  return new Stream().word(0x5145564d).word(3)
    .put([7]).word(2).put([0x70, 0x63])
    .put([5]).name("configuration/capabilities").word(1).word(1).name("events")
    .part(1).name("ram").word(0).word(4)
    .long(size + 2 * PAGE + 0x04)
    .name("pc.ram").long(size).name("vga").long(2 * PAGE)
    .end();
}

const DEVICES = [4, 0, 0, 0, 9, 3, 1, 2, 3];

async function split(
  bytes: Uint8Array,
  signal = never,
): Promise<{ memory: Uint8Array; rest: Uint8Array } | undefined> {
  // Nothing else waits before the stream is split.
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/state`;
  const places = { memory: `${path}.memory`, rest: `${path}.rest` };
  try {
    Deno.writeFileSync(path, bytes);
    const block = { name: "pc.ram", size: 8 * PAGE };
    if (!await splitState(path, block, places, signal)) return undefined;
    for (const file of Object.values(places)) {
      assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
    }
    return {
      memory: await Deno.readFile(places.memory),
      rest: await Deno.readFile(places.rest),
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function filled(...fills: number[]): Uint8Array {
  return Uint8Array.from(
    fills.flatMap((fill) => [...new Uint8Array(PAGE).fill(fill)]),
  );
}

Deno.test("pages of the main memory go to their places, and the rest stays a stream", async () => {
  const found = await split(
    beginning()
      .part(2)
      .page(0, 1, "pc.ram").page(PAGE, 2).page(2 * PAGE, 0).page(5 * PAGE, 3)
      .page(0, 8, "vga").page(PAGE, 0)
      .page(6 * PAGE, 4, "pc.ram")
      .end()
      .part(3)
      // Of the block that the part before it ended with.
      .page(7 * PAGE, 5)
      // These were sent before.
      .page(PAGE, 0).page(0, 6)
      .end()
      .put(DEVICES).bytes,
  );
  assertEquals(found?.memory, filled(6, 0, 0, 0, 0, 3, 4, 5));
  assertEquals(
    found?.rest,
    beginning()
      .part(2).page(0, 8, "vga").page(PAGE, 0).end()
      .part(3).end()
      .put(DEVICES).bytes,
  );
});

Deno.test("an unknown stream is left as it is", async (t) => {
  const rest = new Stream().part(3).end().put(DEVICES).bytes;
  const streams: Record<string, Stream> = {
    "no stream": new Stream().put(new Uint8Array(100)),
    "an empty one": new Stream(),
    "of another size": beginning(4 * PAGE).put(rest),
    "of another version": new Stream().word(0x5145564d).word(4).put(rest),
    "compressed": beginning().part(2).long(0x140).name("pc.ram").end(),
    "with an end within a page": beginning().part(2)
      .long(FULL).name("pc.ram").put([1, 2, 3]),
  };
  for (const [name, stream] of Object.entries(streams)) {
    await t.step(name, async () => {
      assertEquals(await split(stream.bytes), undefined);
    });
  }
});

Deno.test("a run that ends ends it", async () => {
  await assertRejects(
    () =>
      split(
        beginning().part(3).end().put(DEVICES).bytes,
        AbortSignal.abort(new Error("over")),
      ),
    Error,
    "over",
  );
});

Deno.test("the rest of the run gets its turn meanwhile", async () => {
  const stream = beginning().part(2).page(0, 1, "pc.ram");
  for (let page = 0; page < 300_000; page++) stream.page(PAGE, 0);
  const run = new AbortController();
  setTimeout(() => run.abort(new Error("over")), 0);
  await assertRejects(
    () => split(stream.part(3).end().put(DEVICES).bytes, run.signal),
    Error,
    "over",
  );
});
