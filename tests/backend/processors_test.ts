import { assertEquals, assertRejects } from "@std/assert";
import { QemuProcessors } from "../../src/backend/qemu/processors.ts";
import { MachineError } from "../../src/errors.ts";
import { type QmpClient, QmpClosed, QmpError } from "../../src/qmp/mod.ts";

/** The processors of a machine whose QEMU refuses each command so. */
function refusing(error: Error): QemuProcessors {
  const qmp = { send: () => Promise.reject(error) };
  return new QemuProcessors(qmp as unknown as QmpClient, "web");
}

Deno.test("a machine type without a non-maskable interrupt is told of as that", async () => {
  // What QEMU 7.2 says of the type virt.
  const refusal = new QmpError(
    "inject-nmi",
    "GenericError",
    "this feature or command is not currently supported",
  );
  const error = await assertRejects(
    () => refusing(refusal).press(),
    MachineError,
  );
  assertEquals(
    error.message,
    "web is of a machine type without a non-maskable interrupt",
  );
});

Deno.test("a QEMU that ends at a non-maskable interrupt is told of as that", async () => {
  const closed = new QmpClosed("QEMU closed the QMP connection");
  await assertRejects(() => refusing(closed).press(), QmpClosed);
});
