import type { PageShot } from "../page_format.ts";
import { About } from "./about.tsx";
import type { Chunks } from "./chunks.ts";
import { Console } from "./console.tsx";
import { Detail } from "./detail.tsx";
import { LineList } from "./lines.tsx";
import type { Model } from "./model.ts";
import { type Tab, tabs } from "./place.ts";
import { Screens } from "./screens.tsx";
import type { Selection } from "./selection.ts";

/** The details of a run: of a step, a console, the log, the screens, or itself. */
export function Panel({ model, data, selection, query, onShot }: {
  model: Model;
  data: Chunks;
  selection: Selection;
  query: RegExp | undefined;
  onShot: (shot: PageShot) => void;
}) {
  const { run } = model;
  const { tab, machine, line, selected, select, showConsole } = selection;
  const own = tabs.filter(([name]) =>
    name !== "screens" || run.shots.length > 0
  );
  return (
    <>
      <div class="tabs" role="tablist" aria-label="Details">
        {own.map(([name, title]) => (
          <button
            type="button"
            role="tab"
            key={name}
            id={`tab-${name}`}
            aria-selected={tab === name}
            aria-controls="panel"
            tabIndex={tab === name ? 0 : -1}
            onClick={() => selection.showTab(name)}
            onKeyDown={(event) => moveTab(event, selection.showTab)}
          >
            {title}
          </button>
        ))}
      </div>
      <div
        class={`panel ${tab}`}
        id="panel"
        role="tabpanel"
        aria-labelledby={`tab-${tab}`}
        tabIndex={tab === "console" || tab === "log" ? -1 : 0}
      >
        {tab === "step" && (selected === undefined
          ? <p class="nothing">No step has begun.</p>
          : (
            <Detail
              {...{ model, data, onShot }}
              step={selected}
              onSelect={select}
              onConsole={showConsole}
            />
          ))}
        {tab === "console" && (
          <Console
            {...{ model, data, machine, line, query, selected }}
            onMachine={(at) => showConsole(at, undefined)}
            onLine={(at) => showConsole(machine, at)}
            onStep={selection.showMoment}
          />
        )}
        {tab === "log" && (
          <LineList
            label="Messages of the driver and of the script"
            data={data}
            chunks={run.log}
            focus={line}
            query={query}
            machineName={(at) => model.machineName(at)}
          />
        )}
        {tab === "screens" && <Screens {...{ model, data, onShot }} />}
        {tab === "run" && <About model={model} data={data} />}
      </div>
    </>
  );
}

function moveTab(event: KeyboardEvent, set: (tab: Tab) => void): void {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (by === undefined) return;
  const all = [
    ...(event.currentTarget as HTMLElement).parentElement!
      .querySelectorAll<HTMLElement>("[role=tab]"),
  ];
  const now = all.indexOf(event.currentTarget as HTMLElement);
  const next = all[(now + by + all.length) % all.length];
  next.focus();
  set(next.id.slice("tab-".length) as Tab);
}
