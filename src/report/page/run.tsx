import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { PageRun, PageShot } from "../page_format.ts";
import type { Chunks } from "./chunks.ts";
import { Failure } from "./failure.tsx";
import { Filters } from "./filters.tsx";
import { type Filter, Model } from "./model.ts";
import { Panel } from "./panel.tsx";
import { Results, useSearch } from "./results.tsx";
import { Large } from "./screens.tsx";
import { queryOf, readAhead } from "./search.ts";
import { useSelection } from "./selection.ts";
import { Timeline } from "./timeline.tsx";
import { Top, useTheme } from "./top.tsx";
import { Tree } from "./tree.tsx";

/** One run. */
export function Run({ run, data, prefix, label, isLive }: {
  run: PageRun;
  data: Chunks;
  prefix: string;
  label: string;
  isLive: boolean;
}) {
  const model = useMemo(() => new Model(run), [run]);
  const selection = useSelection(model, data, prefix);
  const { selected, select, showConsole } = selection;
  const [filter, setFilter] = useState<Filter>({
    hidden: new Set(),
    kind: "all",
    state: "all",
  });
  const [words, setWords] = useState("");
  const [isSearching, setIsSearching] = useState(false);
  useEffect(() => {
    if (!isSearching) return;
    const over = new AbortController();
    readAhead(model, data, over.signal);
    return () => over.abort();
  }, [isSearching, model]);
  const [shot, setShot] = useState<PageShot>();
  const [theme, setTheme] = useTheme();
  const query = useMemo(() => queryOf(words), [words]);
  const found = useSearch(model, data, query);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (
        event.target instanceof HTMLInputElement ||
        event.target instanceof HTMLSelectElement
      ) return;
      if (event.key === "/") {
        event.preventDefault();
        box.current?.focus();
      }
      if (event.key === "n") selection.selectFailed();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  });
  return (
    <div class={selection.isOpen ? "app open" : "app"}>
      <Top
        {...{ model, label, isLive, theme }}
        onTheme={setTheme}
        many={prefix !== ""}
      />
      <Failure model={model} data={data} onSelect={select} />
      <Timeline
        {...{ model, data, filter, selected, theme }}
        onSelect={select}
        onShot={setShot}
        onMachine={(at) => showConsole(at, undefined)}
      />
      <div class="columns">
        <nav class="left" aria-label="Steps and search">
          <div class="tools">
            <input
              ref={box}
              type="search"
              placeholder="Search steps, output, consoles   /"
              aria-label="Search steps, output and consoles"
              value={words}
              onFocus={() => setIsSearching(true)}
              onInput={(event) => setWords(event.currentTarget.value)}
            />
            <Filters model={model} filter={filter} onFilter={setFilter} />
          </div>
          {query === undefined
            ? <Tree {...{ model, filter, selected }} onSelect={select} />
            : (
              <Results
                {...{ model, query, found }}
                onHit={selection.showHit}
              />
            )}
        </nav>
        <div class="right">
          <button type="button" class="back" onClick={selection.close}>
            ‹ steps
          </button>
          <Panel {...{ model, data, selection, query }} onShot={setShot} />
        </div>
      </div>
      {shot !== undefined && (
        <Large
          {...{ model, data, shot }}
          onShot={setShot}
          onClose={() => setShot(undefined)}
        />
      )}
    </div>
  );
}
