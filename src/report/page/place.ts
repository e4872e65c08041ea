/** What the right-hand side shows. */
export type Tab = "step" | "console" | "log" | "screens" | "run";

/** What a link says: a part of the page's address. */
export interface Place {
  readonly run?: number;
  readonly step?: number;
  readonly machine?: string;
  readonly line?: number;
  readonly tab?: Tab;
}

/** Reads a link. */
export function placeOf(hash: string): Place {
  const short = /^#step(-?\d+)$/.exec(hash);
  if (short !== null) return { step: Number(short[1]) };
  const words = new URLSearchParams(hash.slice(1));
  const number = (name: string) => {
    const word = words.get(name);
    return word === null || !/^-?\d+$/.test(word) ? undefined : Number(word);
  };
  const tab = words.get("tab");
  return {
    run: number("run"),
    step: number("step"),
    machine: words.get("console") ?? undefined,
    line: number("line"),
    tab: tabs.find(([name]) => name === tab)?.[0],
  };
}

/** The tabs, and what they are called. */
export const tabs: readonly (readonly [Tab, string])[] = [
  ["step", "Step"],
  ["console", "Console"],
  ["log", "Log"],
  ["screens", "Screens"],
  ["run", "Run"],
];
