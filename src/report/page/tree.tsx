import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import {
  type Filter,
  isShown,
  type Model,
  seconds,
  type Step,
} from "./model.ts";
import { useVirtual } from "./virtual.ts";

/** The height of a row. */
const height = 30;

/** What the tree of steps shows. */
export interface TreeProps {
  readonly model: Model;
  readonly filter: Filter;
  readonly selected: Step | undefined;
  readonly onSelect: (step: Step, open?: boolean) => void;
}

interface Row {
  readonly step: Step;
  readonly isOpen: boolean | undefined;
  readonly place: number;
  readonly siblings: number;
  readonly depth: number;
}

/** All steps that the filter shows, with those around them. */
export function Tree({ model, filter, selected, onSelect }: TreeProps) {
  const [closed, setClosed] = useState<ReadonlySet<number>>(new Set());
  const shown = useMemo(() => kept(model, filter), [model, filter]);
  const rows = useMemo(() => rowsOf(model, shown, closed), [
    model,
    shown,
    closed,
  ]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtual(scroller, rows.length, () => height);
  const at = rows.findIndex(({ step }) => step === selected);

  // What is chosen elsewhere comes into sight.
  useLayoutEffect(() => {
    if (selected === undefined) return;
    const above: number[] = [];
    for (let step = selected.parent; step; step = step.parent) {
      if (closed.has(step.at)) above.push(step.at);
    }
    if (above.length > 0) {
      setClosed(new Set([...closed].filter((one) => !above.includes(one))));
    }
  }, [selected]);
  useLayoutEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at);
  }, [at]);

  const toggle = (step: Step, close: boolean) => {
    const next = new Set(closed);
    if (close) next.add(step.at);
    else next.delete(step.at);
    setClosed(next);
  };
  const key = (event: KeyboardEvent) => {
    const row = rows[at];
    const go = (to: number) => {
      const next = rows[Math.max(0, Math.min(rows.length - 1, to))];
      if (next !== undefined) onSelect(next.step);
    };
    const page = Math.floor((scroller.current?.clientHeight ?? 300) / height);
    switch (event.key) {
      case "ArrowDown":
        go(at + 1);
        break;
      case "ArrowUp":
        go(at < 0 ? 0 : at - 1);
        break;
      case "PageDown":
        go(at + page);
        break;
      case "PageUp":
        go(at - page);
        break;
      case "Home":
        go(0);
        break;
      case "End":
        go(rows.length - 1);
        break;
      case "ArrowRight":
        if (row?.isOpen === false) toggle(row.step, false);
        else if (row?.isOpen) go(at + 1);
        break;
      case "ArrowLeft":
        if (row?.isOpen) toggle(row.step, true);
        else if (row?.step.parent) onSelect(row.step.parent);
        break;
      case "Enter":
      case " ":
        if (row !== undefined) onSelect(row.step, true);
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  if (rows.length === 0) {
    return <p class="nothing">The filter shows no step.</p>;
  }
  const items = virtual.getVirtualItems();
  const isDrawn = items.some(({ index }) => index === at);
  return (
    <div
      ref={scroller}
      class="tree"
      role="tree"
      aria-label="Steps"
      tabIndex={0}
      aria-activedescendant={isDrawn ? `row${selected!.at}` : undefined}
      onKeyDown={key}
    >
      <div
        class="tall"
        role="presentation"
        style={{ height: `${virtual.getTotalSize()}px` }}
      >
        {items.map(({ index, start }) => {
          const row = rows[index];
          return row && (
            <TreeRow
              key={row.step.at}
              row={row}
              top={start}
              model={model}
              isDim={!isShown(row.step, filter)}
              isSelected={row.step === selected}
              onSelect={onSelect}
              onToggle={toggle}
            />
          );
        })}
      </div>
    </div>
  );
}

function TreeRow(
  { row, top, model, isDim, isSelected, onSelect, onToggle }: {
    row: Row;
    top: number;
    model: Model;
    isDim: boolean;
    isSelected: boolean;
    onSelect: (step: Step, open?: boolean) => void;
    onToggle: (step: Step, close: boolean) => void;
  },
) {
  const { step, isOpen, depth } = row;
  return (
    <div
      id={`row${step.at}`}
      class={`row ${step.state} ${step.kind}${isDim ? " dim" : ""}`}
      role="treeitem"
      aria-level={depth + 1}
      aria-posinset={row.place}
      aria-setsize={row.siblings}
      aria-expanded={isOpen}
      aria-selected={isSelected}
      style={{
        transform: `translateY(${top}px)`,
        paddingLeft: `${6 + 14 * Math.min(depth, 12)}px`,
      }}
      onClick={() => onSelect(step, true)}
    >
      <span
        class={`twist ${isOpen === undefined ? "" : isOpen ? "open" : "shut"}`}
        onClick={(event) => {
          if (isOpen === undefined) return;
          event.stopPropagation();
          onToggle(step, isOpen);
        }}
      />
      <StateSign state={step.state} />
      {step.machine >= 0 && (
        <span class="machine">{model.machineName(step.machine)}</span>
      )}
      <bdi class="what">{step.text || "(no name)"}</bdi>
      <span class="took">{seconds(step.ended - step.began)}</span>
    </div>
  );
}

/** A sign for how a step stands, with a word for those who can't see it. */
export function StateSign({ state }: { state: string }) {
  const sign =
    { passed: "✓", failed: "✕", unfinished: "…", skipped: "–" }[state] ?? "!";
  return (
    <span class={`sign ${state}`}>
      <span aria-hidden="true">{sign}</span>
      <span class="unseen">{state}:</span>
    </span>
  );
}

/** Steps that are shown, and those around them. */
function kept(model: Model, filter: Filter): Uint8Array {
  const keep = new Uint8Array(model.steps.length);
  for (let at = model.steps.length - 1; at >= 0; at--) {
    const step = model.steps[at];
    if (!keep[at] && !isShown(step, filter)) continue;
    keep[at] = 1;
    if (step.parent !== undefined) keep[step.parent.at] = 1;
  }
  return keep;
}

function rowsOf(
  model: Model,
  keep: Uint8Array,
  closed: ReadonlySet<number>,
): Row[] {
  const rows: Row[] = [];
  const walk = (steps: readonly Step[], depth: number) => {
    const mine = steps.filter(({ at }) => keep[at]);
    mine.forEach((step, i) => {
      const has = step.children.some(({ at }) => keep[at]);
      const isOpen = has ? !closed.has(step.at) : undefined;
      rows.push({
        step,
        isOpen,
        place: i + 1,
        siblings: mine.length,
        depth,
      });
      if (isOpen) walk(step.children, depth + 1);
    });
  };
  walk(model.roots, 0);
  return rows;
}
