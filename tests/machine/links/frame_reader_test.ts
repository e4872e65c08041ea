import { assertEquals } from "@std/assert";
import { FrameReader } from "../../../src/machine/links/frame_reader.ts";
import { framed, MemoryStream } from "./frames.ts";

async function all(stream: MemoryStream): Promise<Uint8Array[]> {
  const reader = new FrameReader(stream);
  const frames: Uint8Array[] = [];
  for (let some; (some = await reader.next()) !== null;) frames.push(...some);
  return frames;
}

Deno.test("frames are read whole, however they are cut", async () => {
  const sent = [framed(1), framed(2, 1), framed(3, 0), framed(4, 1514)];
  const bytes = new Uint8Array(sent.flatMap((frame) => [...frame]));
  for (const size of [1, 3, 4, 5, 67, 68, 69, 1000, bytes.length]) {
    const stream = new MemoryStream();
    for (let at = 0; at < bytes.length; at += size) {
      stream.write(bytes.subarray(at, at + size));
    }
    stream.close();
    assertEquals(await all(stream), sent, `in pieces of ${size}`);
  }
});

Deno.test("a frame that is longer than what is read at once is read", async () => {
  const sent = [framed(1), framed(2, 300_000), framed(3)];
  const stream = new MemoryStream();
  for (const frame of sent) stream.write(frame);
  stream.close();
  assertEquals(await all(stream), sent);
});

Deno.test("frames that were read keep their bytes", async () => {
  const stream = new MemoryStream();
  const reader = new FrameReader(stream);
  stream.write(framed(1));
  const first = await reader.next();
  stream.write(framed(2));
  await reader.next();
  assertEquals(first, [framed(1)]);
});
