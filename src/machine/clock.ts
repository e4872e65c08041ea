import { TestFailure, UsageError } from "../errors.ts";
import type { MachineCore } from "./core.ts";
import type { Fault } from "./faults.ts";
import { decode } from "./commands/output.ts";

/**
 * Sets the clock to the microseconds since 1970 in `$to`. Not every `date`
 * takes parts of a second.
 */
const SET = "date -u -s @${to:0:-6}.${to: -6} || date -u -s @${to:0:-6}";
/**
 * Sets `$boot` to the id of the boot, and `$base` to the microseconds by which
 * the clock is ahead of the monotonic clock.
 */
const BASE = "read -r boot </proc/sys/kernel/random/boot_id; " +
  "read -r up _ </proc/uptime; base=$((${EPOCHREALTIME/[.,]/} - 10#${up/./}0000))";
/** Seconds that a guest may take to set its clock. */
const TIMEOUT = 60;
/** The first and the last valid second: 2001 and 2286. */
const FIRST = 1e9, LAST = 1e10;

/**
 * Sets a guest's clock.
 *
 * @param to A moment, or seconds since 1970.
 */
export async function setClock(
  core: MachineCore,
  to: Date | number,
): Promise<Fault> {
  const seconds = to instanceof Date ? to.getTime() / 1000 : to;
  if (typeof seconds !== "number" || !(seconds >= FIRST && seconds < LAST)) {
    throw new UsageError(
      `Expected a Date from 2001 to 2286, or its seconds since 1970, for the ` +
        `clock of ${core.name}, got ${Deno.inspect(to)}`,
    );
  }
  const told = new Date(seconds * 1000).toISOString();
  return await change(
    core,
    "setClock",
    `clock set to ${told}`,
    `to=${Math.round(seconds * 1e6)}`,
  );
}

/**
 * Sets a guest's clock ahead or back.
 *
 * @param by Seconds; negative: back.
 */
export async function skew(core: MachineCore, by: number): Promise<Fault> {
  if (typeof by !== "number" || !(Math.abs(by) < LAST)) {
    throw new UsageError(
      `Expected seconds for the skew of ${core.name}'s clock, got ${
        Deno.inspect(by)
      }`,
    );
  }
  return await change(
    core,
    "skew",
    `clock ${Math.abs(by)} s ${by < 0 ? "behind" : "ahead"}`,
    "to=$((${EPOCHREALTIME/[.,]/} + " + Math.round(by * 1e6) + "))",
  );
}

async function change(
  core: MachineCore,
  method: string,
  text: string,
  to: string,
): Promise<Fault> {
  await core.ready();
  core.capability("clock", `${method}()`);
  const run = async (script: string) => {
    const options = { stderr: "merge", timeout: TIMEOUT } as const;
    const { status, stdout } = await core.run(script, options);
    const said = decode(stdout).trim();
    if (status === 0) return said;
    throw new TestFailure(
      `the clock of ${core.name} can't be set: ${said || `status ${status}`}`,
    );
  };
  // The output of `date` is not needed.
  const said = await run(
    `${BASE}; ${to}; { said=$({ ${SET}; } 2>&1) || { echo "$said"; false; }; } && ` +
      'echo "$boot $base"',
  );
  const [boot, base] = said.split(" ");
  return core.faults.begin({
    text,
    machine: core.label,
    async undo() {
      // A guest that has ended takes its time from the hardware at its next
      // boot.
      if (!core.connected) return;
      await run(
        `${BASE}; if [ "$boot" = ${boot} ]; then ` +
          `to=$((${base} + 10#` + "${up/./}0000)); " +
          `{ ${SET}; } >/dev/null; fi`,
      );
    },
  });
}
