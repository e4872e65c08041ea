/**
 * When pictures of the screens are taken: where the run fails, after each step, or
 * every so many seconds.
 */
export type ScreenshotMode = "failed" | "steps" | { readonly interval: number };

/** The shortest time between two pictures, in seconds. */
const shortest = 0.05;

/**
 * Reads a mode: `failed`, `steps`, or `interval:2s`, whose `s` may be left out.
 *
 * @param text The mode.
 * @returns The mode; nothing if the text names none.
 */
export function parseScreenshotMode(text: string): ScreenshotMode | undefined {
  if (text === "failed" || text === "steps") return text;
  const seconds = /^interval:(\d+(?:\.\d+)?)s?$/.exec(text)?.[1];
  const interval = Number(seconds);
  return seconds !== undefined && interval >= shortest
    ? { interval }
    : undefined;
}
