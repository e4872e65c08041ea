import { useMemo } from "preact/hooks";
import { stepKinds } from "../page_format.ts";

const names = [
  "text",
  "quiet",
  "edge",
  "grid",
  "good",
  "bad",
  "failed",
  "unfinished",
  ...stepKinds,
  "onBar",
  "fault",
  "faultBand",
  "fork",
  "forkBand",
  "shot",
] as const;

/** The colours of the style sheet, for what is drawn. */
export type Colours = Record<typeof names[number], string>;

/** Reads the colours anew where the theme is another. */
export function useColours(theme: string): Colours {
  return useMemo(() => {
    // A custom property does not say which of light and dark it stands for.
    const probe = document.createElement("i");
    document.body.append(probe);
    const colours = Object.fromEntries(names.map((name) => {
      probe.style.color = `var(--${name})`;
      return [name, getComputedStyle(probe).color];
    }));
    probe.remove();
    return colours as Colours;
  }, [theme]);
}
