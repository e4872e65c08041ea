import type { RunEvent } from "./event.ts";
import type { Position } from "./positions.ts";

/** Something that failed, to be shown beside the author's line. */
export interface ShownFailure {
  /** The subtest, if it was one that failed. */
  readonly subtest?: string;
  /** The text for a person. */
  readonly text: string;
  /** The author's line, if it is known. */
  readonly position?: Position;
}

/**
 * What failed in a run, each failure once.
 *
 * @param event The run's end.
 * @returns The failures; none if the run passed.
 */
export function failuresOf(event: RunEvent<"runEnded">): ShownFailure[] {
  const { error, detail, failures, position } = event;
  const text = detail ?? (error && `${error.name}: ${error.message}`);
  if (text === undefined) return [];
  const ofSubtests = (failures ?? []).map((failure) => ({
    subtest: failure.name,
    text: failure.detail,
    position: failure.position,
  }));
  // Each subtest has its own failure.
  const isTold = error?.name === "SubtestFailures" ||
    failures?.some((failure) => failure.error === error);
  return failures !== undefined && isTold
    ? ofSubtests
    : [...ofSubtests, { text, position }];
}
