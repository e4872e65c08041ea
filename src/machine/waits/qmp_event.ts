import { TestFailure } from "../../errors.ts";
import { type QmpEvent, QmpEventQueue } from "../../qmp/mod.ts";
import { checkTimeout, isTimeout } from "../../time/mod.ts";
import type { MachineCore } from "../core.ts";
import type { WaitOptions } from "./timeout.ts";

/** Seconds to wait if nothing is given. */
const TIMEOUT = 600;

/** See {@linkcode QemuMachine.waitForQmpEvent}. */
export async function waitForQmpEvent(
  core: MachineCore,
  filter: (event: QmpEvent) => boolean,
  { timeout = TIMEOUT }: WaitOptions,
): Promise<QmpEvent> {
  checkTimeout(timeout);
  try {
    await core.untilStarted();
    return await core.watched((signal) =>
      core.guarded(() => {
        const events = core.qmpEvents ??
          new QmpEventQueue(core.capability("qmp", "waitForQmpEvent()"));
        return events.take(filter, { timeout, signal });
      })
    );
  } catch (error) {
    if (!isTimeout(error)) throw error;
    throw new TestFailure(`${error.message} from ${core.name}`, {
      cause: error,
    });
  }
}
