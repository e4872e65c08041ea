import { useEffect, useState } from "preact/hooks";
import type { PageRun } from "../page_format.ts";
import { type Model, seconds } from "./model.ts";

/** Where the theme is remembered. */
const key = "vmwright-theme";
/** The theme after each, by the button. */
const following: Record<string, string> = {
  auto: "dark",
  dark: "light",
  light: "auto",
};

/** The page's colours: `light`, `dark`, or `auto`, as the system has them. */
export function useTheme(): [string, (theme: string) => void] {
  const [theme, setTheme] = useState(remembered);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  return [theme, (theme) => {
    try {
      localStorage.setItem(key, theme);
    } catch {
      // It holds as long as the page is open.
    }
    setTheme(theme);
  }];
}

function remembered(): string {
  try {
    return localStorage.getItem(key) ?? "auto";
  } catch {
    return "auto";
  }
}

/** What a run is called, and how it ended. */
export function Top({ model, label, isLive, theme, many, onTheme }: {
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
  // Forks are the same machines.
  const machines = run.machines.filter(({ parent }) => parent === undefined)
    .length;
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
          {machines === 1 ? "1 machine" : `${machines} machines`}
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
        onClick={() => onTheme(following[theme] ?? "auto")}
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
