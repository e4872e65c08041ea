import type { QmpClient } from "../../qmp/mod.ts";

/**
 * The states in which QEMU has stopped a guest by itself; see `RunState` in
 * https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html
 */
const STOPPED: ReadonlySet<string> = new Set([
  "guest-panicked",
  "internal-error",
  "io-error",
  "shutdown",
  "watchdog",
]);

/** The state of a guest, in QEMU's word. */
export async function runState(qmp: QmpClient): Promise<string> {
  const { status } = await qmp.send("query-status") as { status: string };
  return status;
}

/**
 * Whether a guest in this state goes on once somebody, or what it waits for,
 * lets it.
 */
export function isPause(state: string): boolean {
  return state !== "running" && !STOPPED.has(state);
}

/** Whether a guest in this state never goes on, unless it is reset. */
export function isForGood(state: string): boolean {
  return state === "internal-error";
}

/** What QEMU says of a guest in this state, as a part of a sentence. */
export function saidOf(state: string): string {
  return `QEMU's query-status says "${state}"`;
}
