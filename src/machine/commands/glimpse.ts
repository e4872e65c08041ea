import { type FairTime, fairTime } from "../fair_time.ts";
import { within } from "../../time/mod.ts";
import type { MachineCore } from "../core.ts";
import { decode } from "./output.ts";

/** The time that a glimpse for the message of a failure may take. */
const LIMIT: FairTime = { least: 3, paces: 8, most: 20 };
/** The time that a command may take to see the present state. */
const OBSERVING: FairTime = { least: 5, paces: 20, most: 60 };
/** Bytes of a glimpse's output that are kept. */
const MOST = 64 * 1024 * 1024;

/**
 * Runs a command to find out what went wrong. Polling conditions and the end of
 * the run do not matter to it.
 *
 * @param seconds How long to wait for its output.
 * @returns Its output so far, at most 64 MiB; nothing if no shell answers.
 */
export async function glimpse(
  { shell, console }: MachineCore,
  command: string,
  seconds: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (shell?.connected && console.died === undefined) {
    const enough = new AbortController();
    const run = shell.run(`set +euo pipefail\n{ ${command}\n} 2>&1`, {
      signal: enough.signal,
      onStdout: (chunk) => {
        size += chunk.length;
        if (size > MOST) enough.abort();
        else chunks.push(chunk.slice());
      },
    });
    await within(seconds, run.catch(() => {}));
    enough.abort();
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

/** The same as text, without white space at its end, and with a short limit. */
export async function glimpseText(
  core: MachineCore,
  command: string,
): Promise<string> {
  return decode(await glimpse(core, command, fairTime(core.pace, LIMIT)))
    .trimEnd();
}

/**
 * Runs a command to see the guest's present state, for the message of a
 * failure. Polling conditions must hold meanwhile.
 *
 * @param timeout Seconds that it may take; more for a slow guest, if nothing is
 * given.
 */
export async function observe(
  core: MachineCore,
  command: string,
  timeout = fairTime(core.pace, OBSERVING),
): Promise<string> {
  const { stdout } = await core.run(`{ ${command}\n} || :`, { timeout });
  return decode(stdout).trimEnd();
}
