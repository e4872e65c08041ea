import { isHypervisorGone, UsageError } from "../errors.ts";
import type { MachineCore } from "./core.ts";
import type { Fault } from "./faults.ts";

/**
 * Takes memory from a guest.
 *
 * @param bytes The bytes that it has left.
 */
export async function limitMemory(
  core: MachineCore,
  bytes: number,
): Promise<Fault> {
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new UsageError(
      "Expected a whole number of bytes from 1 up, which the guest of " +
        `${core.name} has left, got ${Deno.inspect(bytes)}`,
    );
  }
  const memory = core.capability("memory", "limitMemory()");
  const release = await core.guarded(() => memory.limit(bytes));
  return core.faults.begin({
    text: `memory: ${bytes} bytes left`,
    machine: core.label,
    async undo() {
      try {
        await release();
      } catch (error) {
        // A guest that has ended has no memory.
        if (!isHypervisorGone(error)) throw error;
      }
    },
  });
}
