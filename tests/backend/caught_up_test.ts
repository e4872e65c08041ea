/** What has been read of a guest's streams, beside what is read elsewhere. */
import { assertEquals } from "@std/assert";
import { haveCaughtUp } from "../../src/backend/caught_up.ts";
import { TrackedStream } from "../../src/backend/qemu/tracked_stream.ts";

/** A stream that has so many bytes, one in each turn of the event loop. */
async function streamOf(count: number) {
  let isOver = false, read = 0;
  const stream = new TrackedStream({
    read: async () => {
      if (read >= count || isOver) return null;
      await new Promise((resolve) => setTimeout(resolve));
      read++;
      return 1;
    },
    write: () => Promise.resolve(0),
    close: () => void (isOver = true),
  });
  const reading = (async () => {
    while (await stream.read(new Uint8Array(1)) !== null);
  })();
  await haveCaughtUp([stream]);
  const atOnce = read;
  stream.close();
  await reading;
  return atOnce;
}

Deno.test("streams that have caught up have been read", async () => {
  assertEquals(await streamOf(5), 5);
});

Deno.test("a stream that is never empty keeps nobody waiting", async () => {
  assertEquals(await streamOf(Infinity) >= 50, true);
});
