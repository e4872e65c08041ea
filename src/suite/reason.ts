import { harmless } from "../scan/mod.ts";

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
