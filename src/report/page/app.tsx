import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { PageOverview, PageRun, PageShot } from "../page_format.ts";
import type { Chunks } from "./chunks.ts";
import { Detail, FileLink, Picture, useRead } from "./detail.tsx";
import { lineAt, LineList, marked } from "./lines.tsx";
import {
  clock,
  type Filter,
  type KindFilter,
  kindFilters,
  Model,
  seconds,
  type Step,
} from "./model.ts";
import { Runs } from "./runs.tsx";
import { Suite } from "./suite.tsx";
import { type Found, type Hit, queryOf, search } from "./search.ts";
import { Timeline } from "./timeline.tsx";
import { Tree } from "./tree.tsx";

/** What the right-hand side shows. */
type Tab = "step" | "console" | "log" | "screens" | "run";

/** What a link says: a part of the page's address. */
interface Place {
  readonly run?: number;
  readonly step?: number;
  readonly machine?: string;
  readonly line?: number;
  readonly tab?: Tab;
}

function placeOf(hash: string): Place {
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

const tabs: readonly (readonly [Tab, string])[] = [
  ["step", "Step"],
  ["console", "Console"],
  ["log", "Log"],
  ["screens", "Screens"],
  ["run", "Run"],
];

/** The whole page: of one run, or of many. */
export function App({ overview: before, first, data }: {
  overview: PageOverview;
  first: PageRun | undefined;
  data: Chunks;
}) {
  const [overview, setOverview] = useState(before);
  const [run, setRun] = useState(first);
  const [number, setNumber] = useState(() =>
    first === undefined ? placeOf(location.hash).run : 0
  );
  const { suite } = overview;
  const isMany = overview.runs.length > 1 || suite !== undefined;
  useEffect(() => {
    if (!isMany) return;
    const hear = () => setNumber(placeOf(location.hash).run);
    addEventListener("hashchange", hear);
    return () => removeEventListener("hashchange", hear);
  }, [isMany]);
  useEffect(() => {
    if (!isMany || overview.runs[number ?? -1] === undefined) return;
    let current = true;
    setRun(undefined);
    data.text(overview.runs[number!].index).then((text) => {
      if (current) setRun(JSON.parse(text));
    });
    return () => {
      current = false;
    };
  }, [number]);
  useLive(data, (next, fresh) => {
    setOverview(next);
    setRun(fresh);
  });
  if (isMany && (number === undefined || overview.runs[number] === undefined)) {
    if (suite !== undefined) return <Suite suite={suite} />;
    return (
      <Runs
        overview={overview}
        onRun={(number, step) => {
          location.hash = step === undefined
            ? `run=${number}`
            : `run=${number}&step=${step}`;
        }}
      />
    );
  }
  if (run === undefined) return <p class="nothing">reading …</p>;
  return (
    <Run
      key={number}
      run={run}
      data={data}
      prefix={isMany ? `run=${number}&` : ""}
      label={isMany ? overview.runs[number!].label : ""}
      isLive={data.isLive && run.verdict === "unfinished"}
    />
  );
}

/** Asks the driver what is new, as long as the run goes on. */
function useLive(
  data: Chunks,
  take: (overview: PageOverview, run: PageRun) => void,
): void {
  useEffect(() => {
    if (!data.isLive) return;
    let current = true;
    let version = "";
    const ask = async () => {
      while (current) {
        try {
          const response = await fetch(`state?after=${version}`);
          if (response.status === 200) {
            version = response.headers.get("x-version") ?? "";
            const lasting = Number(response.headers.get("x-lasting"));
            const overview = await data.take(await response.text(), lasting);
            const [{ index, verdict }] = overview.runs;
            const run = JSON.parse(await data.text(index));
            if (current) take(overview, run);
            if (verdict !== "unfinished") return;
          } else if (response.status !== 204) return;
        } catch {
          // The driver is gone; the page stays as it is.
          return;
        }
      }
    };
    ask();
    return () => {
      current = false;
    };
  }, []);
}

function Run({ run, data, prefix, label, isLive }: {
  run: PageRun;
  data: Chunks;
  prefix: string;
  label: string;
  isLive: boolean;
}) {
  const model = useMemo(() => new Model(run), [run]);
  const [filter, setFilter] = useState<Filter>({
    hidden: new Set(),
    kind: "all",
    state: "all",
  });
  const [stepId, setStepId] = useState<number | undefined>(() =>
    model.failed?.id ?? model.roots[0]?.id
  );
  const [tab, setTab] = useState<Tab>("step");
  const [isOpen, setOpen] = useState(false);
  const [machine, setMachine] = useState(() => speaker(model));
  const [line, setLine] = useState<{ line: number | undefined }>({
    line: undefined,
  });
  const [words, setWords] = useState("");
  const [shot, setShot] = useState<PageShot>();
  const [theme, setTheme] = useState(themeNow);
  const selected = model.step(stepId);
  const query = useMemo(() => queryOf(words), [words]);
  const found = useSearch(model, data, query);
  const box = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const go = () => {
      const place = placeOf(location.hash);
      if (place.step !== undefined && model.step(place.step) !== undefined) {
        setStepId(place.step);
        setTab("step");
        setOpen(true);
      }
      if (place.machine !== undefined) {
        const at = run.machines.findIndex(({ name }) => name === place.machine);
        if (at >= 0) {
          setMachine(at);
          setLine({ line: place.line });
          setTab("console");
          setOpen(true);
        }
      }
      if (place.tab !== undefined) {
        setTab(place.tab);
        if (place.tab === "log") setLine({ line: place.line });
        setOpen(true);
      }
    };
    go();
    addEventListener("hashchange", go);
    return () => removeEventListener("hashchange", go);
  }, [model]);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLInputElement ||
        event.target instanceof HTMLSelectElement;
      if (event.key === "/" && !isTyping) {
        event.preventDefault();
        box.current?.focus();
      }
      if (event.key === "n" && !isTyping) {
        nextFailed(model, stepId, (step) => select(step, true));
      }
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  });

  const say = (text: string) => {
    history.replaceState(null, "", `#${prefix}${text}`);
  };
  const select = (step: Step, open = false) => {
    setStepId(step.id);
    setTab("step");
    if (open) setOpen(true);
    say(prefix === "" ? `step${step.id}` : `step=${step.id}`);
  };
  const showConsole = (at: number, focus: number | undefined) => {
    setMachine(at);
    setLine({ line: focus });
    setTab("console");
    setOpen(true);
    const name = encodeURIComponent(run.machines[at].name);
    say(`console=${name}${focus === undefined ? "" : `&line=${focus}`}`);
  };
  const choose = (hit: Hit) => {
    if (hit.where === "console") showConsole(hit.machine!, hit.line);
    else if (hit.where === "log") {
      setLine({ line: hit.line });
      setTab("log");
      setOpen(true);
      say(`tab=log&line=${hit.line}`);
    } else if (hit.step !== undefined) select(hit.step, true);
  };
  const lineTime = async () => {
    // The console follows the step that was chosen before.
    if (selected === undefined) return;
    const { chunks } = run.machines[machine] ?? { chunks: [] };
    const focus = await lineAt(data, chunks, selected.began);
    showConsole(machine, focus);
  };
  return (
    <div class={isOpen ? "app open" : "app"}>
      <Top
        {...{ model, label, isLive, theme }}
        onTheme={setTheme}
        many={prefix !== ""}
      />
      <Failure model={model} data={data} onSelect={select} />
      <Timeline
        model={model}
        data={data}
        filter={filter}
        selected={selected}
        theme={theme}
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
              onInput={(event) => setWords(event.currentTarget.value)}
            />
            <Filters model={model} filter={filter} onFilter={setFilter} />
          </div>
          {query === undefined
            ? (
              <Tree
                model={model}
                filter={filter}
                selected={selected}
                onSelect={select}
              />
            )
            : <Results {...{ model, query, found }} onHit={choose} />}
        </nav>
        <div class="right">
          <button
            type="button"
            class="back"
            onClick={() => setOpen(false)}
          >
            ‹ steps
          </button>
          <div class="tabs" role="tablist" aria-label="Details">
            {tabs.filter(([name]) => name !== "screens" || run.shots.length > 0)
              .map(([name, title]) => (
                <button
                  type="button"
                  role="tab"
                  key={name}
                  id={`tab-${name}`}
                  aria-selected={tab === name}
                  aria-controls="panel"
                  tabIndex={tab === name ? 0 : -1}
                  onClick={() => setTab(name)}
                  onKeyDown={(event) => moveTab(event, setTab)}
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
                  model={model}
                  data={data}
                  step={selected}
                  onSelect={select}
                  onShot={setShot}
                  onConsole={showConsole}
                />
              ))}
            {tab === "console" && (
              <Console
                {...{ model, data, machine, query }}
                line={line.line}
                selected={selected}
                onMachine={(at) => showConsole(at, undefined)}
                onLine={(at) => showConsole(machine, at)}
                onStep={lineTime}
              />
            )}
            {tab === "log" && (
              <LineList
                label="What the driver and the script said"
                data={data}
                chunks={run.log}
                focus={line.line}
                query={query}
                machineName={(at) => model.machineName(at)}
              />
            )}
            {tab === "screens" && (
              <div class="screens">
                {run.shots.filter(({ image }) => image >= 0).slice(0, 300).map((
                  one,
                  i,
                ) => (
                  <Picture
                    key={i}
                    model={model}
                    data={data}
                    shot={one}
                    name={`${i + 1}`}
                    onShot={setShot}
                  />
                ))}
              </div>
            )}
            {tab === "run" && <About model={model} data={data} />}
          </div>
        </div>
      </div>
      {shot !== undefined && (
        <Large
          model={model}
          data={data}
          shot={shot}
          onShot={setShot}
          onClose={() => setShot(undefined)}
        />
      )}
    </div>
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

/** The machine whose console is shown first: the one that failed, or any. */
function speaker(model: Model): number {
  const failed = model.failed?.machine ?? -1;
  if (failed >= 0) return failed;
  return Math.max(
    0,
    model.run.machines.findIndex(({ chunks }) => chunks.length > 0),
  );
}

function nextFailed(
  model: Model,
  id: number | undefined,
  select: (step: Step) => void,
): void {
  const failed = model.steps.filter(({ state, children }) =>
    state === "failed" && !children.some(({ state }) => state === "failed")
  );
  const now = model.step(id)?.at ?? -1;
  const next = failed.find(({ at }) => at > now) ?? failed[0];
  if (next !== undefined) select(next);
}

function themeNow(): string {
  try {
    return localStorage.getItem("vmwright-theme") ?? "auto";
  } catch {
    return "auto";
  }
}

function Top({ model, label, isLive, theme, many, onTheme }: {
  model: Model;
  label: string;
  isLive: boolean;
  theme: string;
  many: boolean;
  onTheme: (theme: string) => void;
}) {
  const { run, hasSubtests } = model;
  const counts = model.counts(hasSubtests);
  const what = hasSubtests ? "subtests" : "steps";
  const all = counts.passed + counts.failed + counts.unfinished;
  const began = new Date(run.date).toISOString().slice(0, 19).replace("T", " ");
  return (
    <header class={`top ${run.verdict}`}>
      {many && <a class="up" href="#">‹ all runs</a>}
      <h1>
        <span class="verdict">{isLive ? "running" : run.verdict}</span>
        <bdi>{nameOf(run)}</bdi>
        {label !== "" && <small>{label}</small>}
      </h1>
      <p class="meta">
        <b>{seconds(run.time)}</b>
        <span>
          {`${all} ${all === 1 ? what.slice(0, -1) : what}`}
          {Object.entries(counts).filter(([, count]) => count > 0)
            .map(([state, count], i) =>
              `${i === 0 ? ": " : ", "}${count} ${state}`
            ).join("")}
        </span>
        <span>
          {run.machines.length}{" "}
          {run.machines.length === 1 ? "machine" : "machines"}
        </span>
        <span class="wide">{began} UTC</span>
        {run.about?.host && <span class="wide">{run.about.host}</span>}
        {run.about && (
          <span class="wide">
            {Object.entries(run.about.versions).map((pair) => pair.join(" "))
              .join(", ")}
          </span>
        )}
      </p>
      <button
        type="button"
        class="theme"
        title="Light, dark, or as the system has it"
        onClick={() => {
          const next = { auto: "dark", dark: "light", light: "auto" }[theme] ??
            "auto";
          try {
            localStorage.setItem("vmwright-theme", next);
          } catch {
            // It holds as long as the page is open.
          }
          onTheme(next);
        }}
      >
        <span aria-hidden="true">◐</span>
        <span class="unseen">theme:</span> {theme}
      </button>
    </header>
  );
}

function nameOf({ name }: PageRun): string {
  return name.slice(name.lastIndexOf("/") + 1) || name;
}

function Failure({ model, data, onSelect }: {
  model: Model;
  data: Chunks;
  onSelect: (step: Step, open?: boolean) => void;
}) {
  const { run } = model;
  const error = run.errors[run.error];
  const message = useRead<string>(
    () =>
      error && run.detail === undefined
        ? data.record<string>(error.place)
        : undefined,
    error?.place.join(),
  );
  if (error === undefined) return null;
  const step = model.step(error.step);
  const path = [];
  for (let at = step; at; at = at.parent) path.unshift(at);
  return (
    <details class="failure" open>
      <summary>
        <b>{error.name}</b> {error.title}
      </summary>
      <pre tabIndex={0}>{run.detail ?? message ?? error.title}</pre>
      {path.length > 0 && (
        <p>
          In {path.map((one, i) => (
            <span key={one.id}>
              {i > 0 && " › "}
              <a
                href={`#step${one.id}`}
                onClick={(event) => {
                  event.preventDefault();
                  onSelect(one, true);
                }}
              >
                {one.text}
              </a>
            </span>
          ))}
        </p>
      )}
    </details>
  );
}

function Filters({ model, filter, onFilter }: {
  model: Model;
  filter: Filter;
  onFilter: (filter: Filter) => void;
}) {
  const flip = (machine: number) => {
    const hidden = new Set(filter.hidden);
    if (!hidden.delete(machine)) hidden.add(machine);
    onFilter({ ...filter, hidden });
  };
  return (
    <div class="filters">
      <select
        aria-label="Kind of steps"
        value={filter.kind}
        onChange={(event) =>
          onFilter({
            ...filter,
            kind: event.currentTarget.value as KindFilter,
          })}
      >
        {Object.entries(kindFilters).map(([value, text]) => (
          <option key={value} value={value}>{text}</option>
        ))}
      </select>
      <select
        aria-label="Verdict of steps"
        value={filter.state}
        onChange={(event) =>
          onFilter({
            ...filter,
            state: event.currentTarget.value as Filter["state"],
          })}
      >
        <option value="all">all verdicts</option>
        <option value="failed">failed</option>
        <option value="passed">passed</option>
        <option value="unfinished">unfinished</option>
      </select>
      <details class="chooser">
        <summary>
          {filter.hidden.size === 0
            ? "all machines"
            : `${
              model.lanes.length - filter.hidden.size
            } of ${model.lanes.length} lanes`}
        </summary>
        <div class="machines" role="group" aria-label="Machines">
          {model.lanes.map(({ machine, name }) => (
            <label key={machine}>
              <input
                type="checkbox"
                checked={!filter.hidden.has(machine)}
                onChange={() => flip(machine)}
              />
              <bdi>{name}</bdi>
            </label>
          ))}
        </div>
      </details>
    </div>
  );
}

function useSearch(
  model: Model,
  data: Chunks,
  query: RegExp | undefined,
): Found | undefined {
  const [found, setFound] = useState<Found>();
  useEffect(() => {
    setFound(undefined);
    if (query === undefined) return;
    const { signal, abort } = aborter();
    // Somebody may still be typing.
    const timer = setTimeout(() => {
      search(model, data, query, signal, (found) => {
        if (!signal.aborted) setFound(found);
      });
    }, 150);
    return () => {
      clearTimeout(timer);
      abort();
    };
  }, [query, model]);
  return found;
}

function aborter(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** Hits that are drawn at once. */
const mostHits = 400;

function Results({ model, query, found, onHit }: {
  model: Model;
  query: RegExp;
  found: Found | undefined;
  onHit: (hit: Hit) => void;
}) {
  const [shown, setShown] = useState(mostHits);
  useEffect(() => setShown(mostHits), [query]);
  const hits = found?.hits.slice(0, shown) ?? [];
  return (
    <div class="results" data-done={found?.done ? "" : undefined}>
      <p role="status">
        {found === undefined || !found.done ? "searching … " : ""}
        {found?.count ?? 0} found
      </p>
      <ul>
        {hits.map((hit, i) => (
          <li key={i}>
            <button type="button" onClick={() => onHit(hit)}>
              <small>
                {hit.where === "console"
                  ? `console of ${model.machineName(hit.machine!)}, line ${
                    hit.line! + 1
                  }`
                  : hit.step !== undefined
                  ? `${hit.where}${
                    hit.where === "step" ? "" : ` of ${hit.step.text}`
                  }`
                  : hit.where}
              </small>
              <code>{marked(hit.text || " ", query)}</code>
            </button>
          </li>
        ))}
      </ul>
      {found !== undefined && found.hits.length > shown && (
        <button
          type="button"
          onClick={() => setShown(shown + mostHits)}
        >
          show more
        </button>
      )}
      {found !== undefined && found.done && found.count > found.hits.length &&
        shown >= found.hits.length && (
        <p class="nothing">
          Only the first {found.hits.length} of {found.count} are listed.
        </p>
      )}
    </div>
  );
}

function Console(
  { model, data, machine, line, query, selected, onMachine, onLine, onStep }: {
    model: Model;
    data: Chunks;
    machine: number;
    line: number | undefined;
    query: RegExp | undefined;
    selected: Step | undefined;
    onMachine: (machine: number) => void;
    onLine: (line: number) => void;
    onStep: () => void;
  },
) {
  const { machines } = model.run;
  const shown = machines[machine];
  if (shown === undefined) return <p class="nothing">There is no machine.</p>;
  return (
    <>
      <div class="bar">
        <select
          aria-label="Machine"
          value={machine}
          onChange={(event) => onMachine(Number(event.currentTarget.value))}
        >
          {machines.map(({ name }, i) => (
            <option key={i} value={i}>{name}</option>
          ))}
        </select>
        <span>
          {(shown.chunks.at(-1)?.first ?? 0) +
            (shown.chunks.at(-1)?.count ?? 0)} lines
        </span>
        {shown.omitted !== undefined && (
          <span class="bad">{shown.omitted} in the middle left out</span>
        )}
        {shown.link !== undefined && (
          <a class="file" href={shown.link}>the file</a>
        )}
        {selected !== undefined && (
          <button type="button" onClick={onStep}>to the chosen step</button>
        )}
      </div>
      <LineList
        key={machine}
        label={`Console of ${shown.name}`}
        data={data}
        chunks={shown.chunks}
        focus={line}
        query={query}
        onLine={onLine}
        during={selected && { from: selected.began, to: selected.ended }}
      />
    </>
  );
}

function About({ model, data }: { model: Model; data: Chunks }) {
  const { run } = model;
  const { about } = run;
  const facts = (machine: number) =>
    run.facts.filter((fact) => fact.machine === machine);
  return (
    <article class="about" aria-label="The run">
      <section>
        <h2>Run</h2>
        <dl>
          <dt>script</dt>
          <dd>
            <code>{run.name}</code>
          </dd>
          <dt>began</dt>
          <dd>{new Date(run.date).toISOString()}</dd>
          {about && (
            <>
              <dt>host</dt>
              <dd>
                {about.host} ({about.system}, {about.processors} processors
                {about.memory &&
                  `, ${(about.memory / 2 ** 30).toFixed(1)} GiB of memory`})
              </dd>
              {Object.entries(about.versions).map(([name, version]) => (
                <>
                  <dt>{name}</dt>
                  <dd>{version}</dd>
                </>
              ))}
              <dt>command line</dt>
              <dd>
                <code>{about.commandLine.join(" ")}</code>
              </dd>
              <dt>directory</dt>
              <dd>
                <code>{about.directory}</code>
              </dd>
            </>
          )}
          {facts(-1).map(({ name, value }) => (
            <>
              <dt>{name}</dt>
              <dd>
                <code>{value}</code>
              </dd>
            </>
          ))}
          {run.omittedSteps > 0 && (
            <>
              <dt>left out</dt>
              <dd>{run.omittedSteps} steps</dd>
            </>
          )}
        </dl>
      </section>
      {run.machines.map((machine, i) => (
        <section key={i}>
          <h2>
            <bdi>{machine.name}</bdi>
          </h2>
          <dl>
            {machine.parent && (
              <>
                <dt>fork of</dt>
                <dd>{machine.parent}</dd>
              </>
            )}
            {machine.hypervisor && (
              <>
                <dt>hypervisor</dt>
                <dd>{machine.hypervisor}</dd>
              </>
            )}
            {machine.command && (
              <>
                <dt>start command</dt>
                <dd>
                  <code>{machine.command}</code>
                </dd>
              </>
            )}
            {facts(i).map(({ name, value }) => (
              <>
                <dt>{name}</dt>
                <dd>
                  <code>{value}</code>
                </dd>
              </>
            ))}
            {machine.link && (
              <>
                <dt>console</dt>
                <dd>
                  <a class="file" href={machine.link}>the file</a>
                </dd>
              </>
            )}
          </dl>
        </section>
      ))}
      {run.files.length > 0 && (
        <section>
          <h2>Files</h2>
          {run.files.slice(0, 500).map((file, i) => (
            <FileLink key={i} data={data} file={file} />
          ))}
        </section>
      )}
    </article>
  );
}

function Large({ model, data, shot, onShot, onClose }: {
  model: Model;
  data: Chunks;
  shot: PageShot;
  onShot: (shot: PageShot) => void;
  onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const chunk = model.run.images[shot.image];
  const url = useRead<string>(() => data.image(chunk), chunk);
  const own = model.run.shots.filter(({ machine, image }) =>
    machine === shot.machine && image >= 0
  );
  const at = own.indexOf(shot);
  useEffect(() => dialog.current?.showModal(), []);
  const name = `Screen of ${model.machineName(shot.machine)} at ${
    clock(shot.time)
  } s`;
  const go = (by: number) => {
    const next = own[at + by];
    if (next !== undefined) onShot(next);
  };
  return (
    <dialog
      ref={dialog}
      class="large"
      aria-label={name}
      onClose={onClose}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") go(-1);
        if (event.key === "ArrowRight") go(1);
      }}
    >
      <form method="dialog" class="bar">
        <b>{name}</b>
        <button type="button" disabled={at <= 0} onClick={() => go(-1)}>
          earlier
        </button>
        <button
          type="button"
          disabled={at >= own.length - 1}
          onClick={() => go(1)}
        >
          later
        </button>
        <a class="file" href={shot.link}>the file</a>
        <button type="submit">close</button>
      </form>
      {url && <img src={url} alt={name} />}
    </dialog>
  );
}
