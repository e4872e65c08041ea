import { assertEquals, assertRejects } from "@std/assert";
import { lockKept } from "../../src/driver/kept_snapshots.ts";

Deno.test("one run at a time takes a kept snapshot", async () => {
  const place = await Deno.makeTempDir({ prefix: "vw-kept-" });
  const cache = Deno.env.get("XDG_CACHE_HOME");
  Deno.env.set("XDG_CACHE_HOME", place);
  const waits: string[] = [];
  const allWait = Promise.withResolvers<void>();
  const lock = (who: string, signal?: AbortSignal, name = "one") =>
    lockKept(name, ["./run-a-vm"], {
      signal,
      onWait() {
        waits.push(who);
        if (waits.length === 3) allWait.resolve();
      },
    });
  try {
    const first = await lock("first");
    // Other snapshots are no concern of it.
    (await lock("other", undefined, "two"))[Symbol.dispose]();
    const abort = new AbortController();
    const ended = lock("ended", abort.signal);
    const second = lock("second"), third = lock("third");
    await allWait.promise;
    abort.abort(new Error("enough"));
    await assertRejects(() => ended, Error, "enough");
    let holders = 0;
    const held = [second, third].map(async (one) => {
      const lock = await one;
      assertEquals(++holders, 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      holders--;
      lock[Symbol.dispose]();
    });
    assertEquals(holders, 0);
    first[Symbol.dispose]();
    await Promise.all(held);
    assertEquals(waits.sort(), ["ended", "second", "third"]);
    assertEquals([...Deno.readDirSync(`${place}/vmwright/snapshots`)], []);
  } finally {
    if (cache === undefined) Deno.env.delete("XDG_CACHE_HOME");
    else Deno.env.set("XDG_CACHE_HOME", cache);
    await Deno.remove(place, { recursive: true });
  }
});
