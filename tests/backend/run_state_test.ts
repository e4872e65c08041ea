import { assertEquals } from "@std/assert";
import { isForGood, isPause } from "../../src/backend/qemu/run_state.ts";

/** All states that QEMU has, and whether a guest may go on in them. */
const STATES: Record<string, "runs" | "is paused" | "stopped" | "for good"> = {
  "colo": "is paused",
  "debug": "is paused",
  "finish-migrate": "is paused",
  "guest-panicked": "stopped",
  "inmigrate": "is paused",
  "internal-error": "for good",
  "io-error": "stopped",
  "paused": "is paused",
  "postmigrate": "is paused",
  "prelaunch": "is paused",
  "restore-vm": "is paused",
  "running": "runs",
  "save-vm": "is paused",
  "shutdown": "stopped",
  "suspended": "is paused",
  "watchdog": "stopped",
};

for (const [state, what] of Object.entries(STATES)) {
  Deno.test(
    `QEMU's state "${state}" ${
      what === "is paused"
        ? "is a pause"
        : `is no pause${what === "for good" ? ", and never ends" : ""}`
    }`,
    () => {
      assertEquals(isPause(state), what === "is paused");
      assertEquals(isForGood(state), what === "for good");
    },
  );
}
