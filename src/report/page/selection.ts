import { useEffect, useState } from "preact/hooks";
import { type Chunks } from "./chunks.ts";
import { lineAt } from "./lines.tsx";
import type { Model, Step } from "./model.ts";
import { type Place, placeOf, type Tab } from "./place.ts";
import type { Hit } from "./search.ts";

/** What of a run is shown. */
interface Shown {
  /** The id of the chosen step. */
  readonly step: number | undefined;
  readonly tab: Tab;
  /** Whether a phone shows the details, and not the list. */
  readonly isOpen: boolean;
  /** The number of the machine whose console is shown. */
  readonly machine: number;
  /** The line of the console or of the log to bring into sight. */
  readonly line: number | undefined;
}

/** What of a run is shown, and what shows something else. */
export interface Selection extends Shown {
  readonly selected: Step | undefined;
  /** Chooses a step; `open`: a phone shows it at once. */
  select(step: Step, open?: boolean): void;
  /** Goes to the next step that failed. */
  selectFailed(): void;
  showTab(tab: Tab): void;
  showConsole(machine: number, line: number | undefined): void;
  /** Shows the console at the time of the chosen step. */
  showMoment(): Promise<void>;
  /** Shows what a search found. */
  showHit(hit: Hit): void;
  /** Shows the list again, on a phone. */
  close(): void;
}

/**
 * Keeps what of a run is shown, as the page's address says it.
 *
 * @param model The run.
 * @param data Where its chunks are read.
 * @param prefix What comes first in links: which run it is.
 */
export function useSelection(
  model: Model,
  data: Chunks,
  prefix: string,
): Selection {
  const [shown, setShown] = useState<Shown>(() => ({
    step: model.failed?.id ?? model.roots[0]?.id,
    tab: "step",
    isOpen: false,
    machine: speaker(model),
    line: undefined,
  }));
  const { machines } = model.run;
  const selected = model.step(shown.step);
  const show = (change: Partial<Shown>) =>
    setShown((before) => ({ ...before, ...change }));
  useEffect(() => {
    const go = () => show(whatIsAt(placeOf(location.hash), model));
    go();
    addEventListener("hashchange", go);
    return () => removeEventListener("hashchange", go);
  }, [model]);

  const say = (text: string) => {
    history.replaceState(null, "", `#${prefix}${text}`);
  };
  const select = ({ id }: Step, open = false) => {
    show({ step: id, tab: "step", ...open && { isOpen: true } });
    say(prefix === "" ? `step${id}` : `step=${id}`);
  };
  const showConsole = (machine: number, line: number | undefined) => {
    show({ machine, line, tab: "console", isOpen: true });
    const name = encodeURIComponent(machines[machine].name);
    say(`console=${name}${line === undefined ? "" : `&line=${line}`}`);
  };
  return {
    ...shown,
    selected,
    select,
    showConsole,
    selectFailed() {
      const next = failedAfter(model, selected);
      if (next !== undefined) select(next, true);
    },
    showTab: (tab) => show({ tab }),
    async showMoment() {
      if (selected === undefined) return;
      const { machine } = shown;
      const { chunks } = machines[machine] ?? { chunks: [] };
      showConsole(machine, await lineAt(data, chunks, selected.began));
    },
    showHit({ where, machine, line, step }) {
      if (where === "console") showConsole(machine!, line);
      else if (where === "log") {
        show({ line, tab: "log", isOpen: true });
        say(`tab=log&line=${line}`);
      } else if (step !== undefined) select(step, true);
    },
    close: () => show({ isOpen: false }),
  };
}

/** What a link leads to; nothing where that is not there. */
function whatIsAt(
  { step, machine, line, tab }: Place,
  model: Model,
): Partial<Shown> {
  const found: { -readonly [Key in keyof Shown]?: Shown[Key] } = {};
  if (step !== undefined && model.step(step) !== undefined) {
    Object.assign(found, { step, tab: "step" });
  }
  const at = model.run.machines.findIndex(({ name }) => name === machine);
  if (at >= 0) Object.assign(found, { machine: at, line, tab: "console" });
  if (tab !== undefined) {
    found.tab = tab;
    if (tab === "log") found.line = line;
  }
  return found.tab === undefined ? found : { ...found, isOpen: true };
}

/** The machine whose console is shown first: the one that failed, or any. */
function speaker(model: Model): number {
  const failed = model.failed?.machine ?? -1;
  if (failed >= 0) return failed;
  return Math.max(
    0,
    model.run.machines.findIndex(({ chunks }) => chunks.length > 0),
  );
}

/** The next step that failed by itself; after the last one, the first. */
function failedAfter(model: Model, step: Step | undefined): Step | undefined {
  const failed = model.steps.filter(({ state, children }) =>
    state === "failed" && !children.some(({ state }) => state === "failed")
  );
  const now = step?.at ?? -1;
  return failed.find(({ at }) => at > now) ?? failed[0];
}
