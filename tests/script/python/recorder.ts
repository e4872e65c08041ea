import { type Listener, Log, type RunEvent } from "../../../mod.ts";
import { isBootHint } from "../../machine/warning_of.ts";

/** Keeps what a run tells, and shows it as an author would sketch it. */
export class Recorder implements Listener {
  readonly events: RunEvent[] = [];
  readonly log = new Log([this]);

  on(event: RunEvent): void {
    this.events.push(event);
  }

  /**
   * Messages, steps and subtests, each indented by the steps around it. Hints
   * about a guest that boots slowly are left out.
   */
  outline(): string[] {
    const depths = new Map<number, number>();
    const lines: string[] = [];
    const add = (event: RunEvent, text: string) => {
      const depth = event.step === undefined
        ? 0
        : (depths.get(event.step) ?? -1) + 1;
      if ("id" in event) depths.set(event.id, depth);
      const machine = event.machine === undefined ? "" : `${event.machine}: `;
      lines.push("  ".repeat(depth) + machine + text);
    };
    for (const event of this.events) {
      if (event.type === "stepBegan") add(event, event.text);
      if (event.type === "subtestBegan") add(event, `subtest ${event.name}`);
      if (event.type === "message" && !isBootHint(event.text)) {
        add(event, event.text);
      }
    }
    return lines;
  }

  /** The steps and subtests that failed, with why. */
  failures(): string[] {
    return this.events.flatMap((event) => {
      if (event.type === "stepEnded" && event.error !== undefined) {
        return [`${event.text}: ${event.error.name}: ${event.error.message}`];
      }
      if (event.type === "subtestEnded" && event.error !== undefined) {
        return [`${event.name}: ${event.error.name}: ${event.error.message}`];
      }
      return [];
    });
  }
}
