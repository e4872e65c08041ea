import { assertEquals, assertRejects } from "@std/assert";
import {
  findKept,
  keepSnapshot,
  type KeptMachine,
  lockKept,
} from "../../src/driver/kept_snapshots.ts";
import { writeOverlay } from "../../src/backend/qemu/overlay.ts";

/** A directory that keeps snapshots, until this is disposed of. */
function keepingPlace(): Disposable & { place: string } {
  const place = Deno.makeTempDirSync({ prefix: "vw-kept-" });
  const cache = Deno.env.get("XDG_CACHE_HOME");
  Deno.env.set("XDG_CACHE_HOME", place);
  return {
    place,
    [Symbol.dispose]() {
      if (cache === undefined) Deno.env.delete("XDG_CACHE_HOME");
      else Deno.env.set("XDG_CACHE_HOME", cache);
      Deno.removeSync(place, { recursive: true });
    },
  };
}

/** A saved machine with one disk. */
function saved(frozen: string, state: string, format: string): KeptMachine {
  const disk = { path: "disk", format, size: 512, frozen, by: "copy" };
  return {
    startCommand: "./run-a-vm",
    saved: {
      name: "a",
      guest: { state, disks: [disk], identity: {}, isPaused: false },
      console: { text: new Uint8Array(0), consumed: 0 },
    },
  } as unknown as KeptMachine;
}

Deno.test("an image that a guest writes names no file that a kept snapshot depends on", async () => {
  using keeping = keepingPlace();
  const { place } = keeping;
  const disk = `${place}/disk`, state = `${place}/state`;
  const other = `${place}/other`;
  Deno.writeTextFileSync(state, "");
  Deno.writeTextFileSync(other, "");
  writeOverlay(disk, { path: other, format: "raw", size: 512 });
  for (const [format, isStale] of [["raw", false], ["qcow2", true]] as const) {
    const machine = saved(disk, state, format);
    await keepSnapshot("one", [machine], [], `${place}/scratch`);
    Deno.writeTextFileSync(other, `${format} changes`);
    const found = await findKept("one", []);
    assertEquals(found && "stale" in found, isStale, format);
  }
});

Deno.test("one run at a time takes a kept snapshot", async () => {
  using keeping = keepingPlace();
  const { place } = keeping;
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
});
