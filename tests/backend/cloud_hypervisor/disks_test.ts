/** How long a guest of Cloud Hypervisor has to release a disk. */
import { assertEquals, assertRejects } from "@std/assert";
import { CloudHypervisorDisks } from "../../../src/backend/cloud_hypervisor/disks.ts";
import { MachineError } from "../../../src/errors.ts";
import { fakeClock, passInSteps } from "../../shell/fake_clock.ts";
import { turn } from "../../shell/memory_stream.ts";

/** A disk that is being detached, and is there as long as a test wants. */
async function detached() {
  const disk = { isThere: true, isDetached: false };
  const disks = new CloudHypervisorDisks({
    request: () =>
      Promise.resolve({
        config: { disks: [{ id: "data" }] },
        device_tree: disk.isThere ? { data: {} } : {},
      }),
  }, "web");
  const found = await disks.find("data");
  const detaching = found.detach!().then(() => void (disk.isDetached = true));
  detaching.catch(() => {});
  await turn();
  return { disk, detaching };
}

/** Seconds between two looks of the driver. */
const LOOK = 0.1;

Deno.test("a guest has a minute to release a disk", async () => {
  using clock = fakeClock();
  const { disk, detaching } = await detached();
  await passInSteps(clock, 59, LOOK);
  assertEquals(disk.isDetached, false);
  await passInSteps(clock, 2, LOOK);
  await assertRejects(
    () => detaching,
    MachineError,
    "has not released its disk data",
  );
});

Deno.test("time in which the host stands still is not the guest's to release a disk", async () => {
  using clock = fakeClock();
  const { disk, detaching } = await detached();
  for (let n = 0; n < 3; n++) {
    clock.jump(1000);
    await passInSteps(clock, 1, LOOK);
  }
  disk.isThere = false;
  await passInSteps(clock, 1, LOOK);
  await detaching;
  assertEquals(disk.isDetached, true);
});
