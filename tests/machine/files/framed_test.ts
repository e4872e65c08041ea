import { assertEquals } from "@std/assert";
import { framed, UNFRAME } from "../../../src/machine/files/framed.ts";

/** What the guest's side makes of frames, and what it leaves of its stdin. */
async function unframed(
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ length: number; sum: number; rest: string; failure: unknown }> {
  const child = new Deno.Command("bash", {
    args: ["-euc", `${UNFRAME}; vw_unframe >&2; cat`],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let failure: unknown;
  const writing = (async () => {
    const writer = child.stdin.getWriter();
    const frames = framed(bytes, (error) => failure = error);
    // A frame is valid until the next.
    for await (const frame of frames) await writer.write(frame.slice());
    await writer.write(new TextEncoder().encode("the rest"));
    await writer.close();
  })();
  const [{ stdout, stderr }] = await Promise.all([child.output(), writing]);
  return {
    length: stderr.length,
    sum: stderr.reduce((sum, byte) => (sum * 31 + byte) % 65521, 0),
    rest: new TextDecoder().decode(stdout),
    failure,
  };
}

Deno.test("the guest reads the frames, and no byte more", async () => {
  for (
    const sizes of [[], [0], [1], [5, 0, 7], [4 << 20], [3 << 20, 7 << 20]]
  ) {
    const chunks = sizes.map((size) =>
      Uint8Array.from({ length: size }, (_, at) => at * 7 + (at >> 8))
    );
    let sum = 0;
    for (const chunk of chunks) {
      for (const byte of chunk) sum = (sum * 31 + byte) % 65521;
    }
    const stream = ReadableStream.from(chunks);
    assertEquals(await unframed(stream), {
      length: sizes.reduce((sum, size) => sum + size, 0),
      sum,
      rest: "the rest",
      failure: undefined,
    });
  }
});

Deno.test("frames of a stream that fails have an end", async () => {
  const broken = new Error("broken");
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(new Uint8Array(10));
    throw broken;
  }
  const { length, rest, failure } = await unframed(breaking());
  assertEquals([length, rest, failure], [10, "the rest", broken]);
});
