import { assertEquals, assertRejects } from "@std/assert";
import { QemuBlockDevice } from "../../src/backend/qemu/block_device.ts";
import { MachineError } from "../../src/errors.ts";
import { type QmpClient, QmpError } from "../../src/qmp/mod.ts";

Deno.test("a disk that QEMU does not take out is not waited for", async () => {
  const refusal = new QmpError(
    "device_del",
    "GenericError",
    "Bus 'pcie.0' does not support hotplugging",
  );
  let isWaiting = false;
  const qmp: Pick<QmpClient, "send" | "waitForEvent"> = {
    send: () => Promise.reject(refusal),
    waitForEvent(_filter, { signal } = {}) {
      isWaiting = true;
      return new Promise((_, reject) => {
        signal?.addEventListener("abort", () => {
          isWaiting = false;
          reject(signal.reason);
        });
      });
    },
  };
  const disk = new QemuBlockDevice(qmp as QmpClient, "web", "/nowhere", {
    name: "data",
    path: "/machine/peripheral/data/virtio-backend",
    node: "data",
    size: 512,
    number: 0,
  });
  await assertRejects(() => disk.detach(), MachineError, "can't lose its disk");
  assertEquals(isWaiting, false);
});
