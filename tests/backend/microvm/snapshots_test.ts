/** How a microVM is saved, over a hypervisor that only tells what it was asked. */
import { assertEquals, assertRejects } from "@std/assert";
import { MicroVmDisks } from "../../../src/backend/microvm/disks.ts";
import {
  MicroVmSnapshots,
  type SnapshotParts,
} from "../../../src/backend/microvm/snapshots.ts";
import { HybridVsock } from "../../../src/backend/microvm/vsock.ts";
import { MachineError } from "../../../src/errors.ts";
import { temporaryDirectory } from "../../cli/vmwright.ts";

function made(parts: Partial<SnapshotParts> = {}) {
  const directory = temporaryDirectory({ "root.img": "a disk" });
  const { path } = directory;
  const vsock = new HybridVsock(`${path}/vsock`);
  // A guest whose shell ends on request.
  const listener = Deno.listen({ transport: "unix", path: `${path}/vsock` });
  const done: string[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      const buffer = new Uint8Array(64);
      const said = async () => {
        const count = await connection.read(buffer) ?? 0;
        return new TextDecoder().decode(buffer.subarray(0, count)).trim();
      };
      done.push(await said());
      await connection.write(new TextEncoder().encode("OK 1\n"));
      done.push(await said());
      connection.close();
    }
  })();
  let isRunning = true;
  const disks = new MicroVmDisks(path);
  const note = (text: string) => () => Promise.resolve(void done.push(text));
  const snapshots = new MicroVmSnapshots({
    name: "web",
    vsock,
    disks,
    memory: 1 << 20,
    identity: () => ({ version: "1" }),
    hangUp: note("hang up"),
    isRunning: () => Promise.resolve(isRunning),
    pause: () => {
      isRunning = false;
      return note("pause")();
    },
    resume: note("resume"),
    save: note("save"),
    isMemoryLimited: () => false,
    taken: () => ({ reads: 1, isAwaited: true }),
    ...parts,
  });
  return {
    path,
    snapshots,
    disks,
    vsock,
    done,
    async [Symbol.asyncDispose]() {
      vsock.close();
      listener.close();
      await serving;
      directory[Symbol.dispose]();
    },
  };
}

Deno.test("a guest has no connection when it is saved, and gets none before it goes on", async () => {
  await using test = made();
  const { snapshots, disks, vsock, done, path } = test;
  await disks.place(`${path}/root.img`, "a");
  await snapshots.pause();
  await snapshots.drained();
  const saved = await snapshots.save(path);
  let isThere = false;
  const dialled = vsock.dial(AbortSignal.timeout(60_000)).then((stream) => {
    isThere = true;
    stream.close();
  });
  await snapshots.drained();
  assertEquals(isThere, false);
  await snapshots.go();
  await dialled;
  assertEquals(done.slice(0, 6), [
    "hang up",
    "CONNECT 1234",
    "exit",
    "pause",
    "save",
    "resume",
  ]);
  assertEquals(saved, {
    state: `${path}/state`,
    disks: [{
      path: "a-root.img",
      format: "raw",
      size: 6,
      frozen: `${path}/disk-1`,
      by: "copy",
    }],
    identity: { version: "1" },
    isPaused: false,
  });
  assertEquals(await snapshots.layOut(saved), saved);
});

Deno.test("a guest that stood still before it was saved goes on standing still", async () => {
  await using test = made({ isRunning: () => Promise.resolve(false) });
  const { snapshots, done, path } = test;
  await snapshots.pause();
  assertEquals((await snapshots.save(path)).isPaused, true);
  await snapshots.go();
  assertEquals(done, ["hang up", "save"]);
});

Deno.test("a hypervisor's refusal to save is reported with the machine's name", async () => {
  await using test = made({
    save: () => Promise.reject(new MachineError("it refused PUT /snapshot")),
    ownInterface: "tap7",
  });
  await assertRejects(
    () => test.snapshots.save(test.path),
    MachineError,
    "web can't be saved: it refused PUT /snapshot",
  );
  assertEquals(
    await test.snapshots.rivalry(),
    "its network card is on the host's interface tap7",
  );
});
