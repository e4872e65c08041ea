import { harmless } from "../scan/mod.ts";

/** Lines of a reason that are kept. */
export const MOST_LINES = 12;
/** Characters of a line of it that are kept. */
const LONGEST_LINE = 300;

/**
 * The line of an explanation that says what is wrong: it begins with places.
 *
 * @param reason The explanation.
 */
export function titleOfReason(reason: string): string {
  const lines = harmless(reason).split("\n");
  return lines.find((line) =>
    /^\w*(Error|Failure|Died|Timeout)\b.*:/.test(line)
  ) ??
    lines[0];
}

/** Seconds as a person reads them. */
export function seconds(duration: number): string {
  return `${duration.toFixed(1)} s`;
}

/** The first lines of a text, none of them too long. */
export function bounded(text: string): string {
  // The places of the files are shown beside the reason.
  const lines = text.trimEnd().replace(/\nartifacts: .*$/, "").split("\n");
  const most = lines.slice(0, MOST_LINES).map((line) =>
    line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line
  );
  if (lines.length > MOST_LINES) most.push("…");
  return most.join("\n");
}
