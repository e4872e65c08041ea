import type { GuestCalls } from "./guest_calls.ts";
import type { Job } from "./job.ts";
import type { LeftBehind } from "./left_behind.ts";

/** What a port needs. */
export interface PortSurroundings {
  readonly calls: GuestCalls;
  readonly left: LeftBehind;
  /** Called when the port can take a command, or can't after all. */
  readonly changed: () => void;
  /** Called with a job that has not begun, and must run again. */
  readonly again: (job: Job) => void;
}
