import type { RunEvent } from "../../mod.ts";

/** Whether a message is a hint about a guest that a busy host lets boot slowly. */
export function isBootHint(text: string): boolean {
  return text.startsWith("no shell after ");
}

/** The warning that an event is, unless a busy host decides whether it comes. */
export function warningOf(event: RunEvent): string | undefined {
  return event.type === "message" && event.level === "warning" &&
      !isBootHint(event.text)
    ? event.text
    : undefined;
}
