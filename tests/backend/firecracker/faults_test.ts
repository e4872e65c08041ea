/** How disks and memory are limited by Firecracker's API. */
import { assertEquals, assertRejects } from "@std/assert";
import { FirecrackerDisks } from "../../../src/backend/firecracker/disks.ts";
import { FirecrackerBalloon } from "../../../src/backend/firecracker/memory.ts";
import type { Drive } from "../../../src/backend/firecracker/requests.ts";
import { ApiError } from "../../../src/backend/microvm/api_client.ts";
import { MachineError } from "../../../src/errors.ts";
import { faultsOf, type MadeRequest } from "../openapi.ts";

/** An API that answers the same each time, and what it was asked. */
function api(answer: () => unknown = () => undefined) {
  const asked: MadeRequest[] = [];
  return {
    asked,
    request(method: string, path: string, body?: object): Promise<unknown> {
      asked.push({ method, path, body });
      return Promise.try(answer);
    },
  };
}

const drive = (drive_id: string, more: Partial<Drive> = {}): Drive => ({
  drive_id,
  is_root_device: false,
  ...more,
});

Deno.test("a disk is limited, and then as its description has it", async () => {
  const made = api();
  const own = { bandwidth: { size: 5, refill_time: 7, one_time_burst: 9 } };
  const disks = new FirecrackerDisks(made, "web", [
    drive("root"),
    drive("data", { rate_limiter: own }),
  ]);
  const off = { size: 0, refill_time: 0 };
  const [root, data] = [await disks.find(), await disks.find("data")];
  await root.throttle!({ bytesPerSecond: 1e6, operationsPerSecond: 0 });
  await root.throttle!({ bytesPerSecond: 0, operationsPerSecond: 0 });
  await data.throttle!({ bytesPerSecond: 0, operationsPerSecond: 20 });
  await data.throttle!({ bytesPerSecond: 0, operationsPerSecond: 0 });
  const patch = (drive_id: string, bandwidth: object, ops: object) => ({
    method: "PATCH",
    path: `/drives/${drive_id}`,
    body: { drive_id, rate_limiter: { bandwidth, ops } },
  });
  assertEquals(made.asked, [
    patch("root", { size: 1e6, refill_time: 1000 }, off),
    patch("root", off, off),
    patch("data", own.bandwidth, { size: 20, refill_time: 1000 }),
    patch("data", own.bandwidth, off),
  ]);
  assertEquals(await faultsOf("firecracker.yaml", made.asked) ?? [], []);
  const error = await assertRejects(() => disks.find("floppy"), MachineError);
  assertEquals(
    error.message,
    'web has no disk named "floppy"; Firecracker knows of root, data',
  );
});

Deno.test("a balloon holds whole MiB, and leaves the guest no more than it may have", async () => {
  const made = api(() => ({ actual_mib: 3 }));
  const balloon = new FirecrackerBalloon(made, "web", 256 * 2 ** 20);
  await balloon.open();
  assertEquals(await balloon.left(), 253 * 2 ** 20);
  await balloon.leave(200 * 2 ** 20);
  assertEquals(made.asked.slice(2), [{
    method: "PATCH",
    path: "/balloon",
    body: { amount_mib: 56 },
  }]);
  assertEquals(await faultsOf("firecracker.yaml", made.asked) ?? [], []);
});

Deno.test("a guest without a balloon is told what gives it one", async () => {
  const made = api(() => {
    throw new ApiError("Firecracker", "GET /balloon/statistics", 400, "none");
  });
  const balloon = new FirecrackerBalloon(made, "web", 2 ** 28);
  const error = await assertRejects(() => balloon.open(), MachineError);
  assertEquals(
    error.message,
    "web has no memory balloon of which Firecracker tells how full it is, and " +
      'gets none while it runs: have its description say "balloon": ' +
      '{ "amount_mib": 0, "deflate_on_oom": false, ' +
      '"stats_polling_interval_s": 1 }',
  );
});
