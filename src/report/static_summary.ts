import { escape } from "./escape.ts";
import {
  type PageRun,
  type RunSummary,
  type SuiteOverview,
  TICKS,
} from "./page_format.ts";
import type { RunData } from "./run_data.ts";

/** Subtests that a page without its script lists at most. */
const most = 500;

/** A run as a browser without scripts shows it. */
export function staticRun(run: PageRun, data: RunData): string {
  const when = new Date(run.date).toISOString().slice(0, 19).replace("T", " ");
  return `<header class="${run.verdict}"><h1>${run.verdict}</h1>
<p><bdi>${escape(run.name)}</bdi>, ${
    seconds(run.time)
  }, begun ${when} UTC</p></header>
<main>
${failure(run, data)}${subtests(data)}</main>
`;
}

function failure(run: PageRun, data: RunData): string {
  const error = run.errors[run.error];
  if (error === undefined) return "";
  const steps = data.stepsOf(run.error).map(({ text, subtest }) =>
    `${subtest ? "subtest: " : ""}<bdi>${escape(text)}</bdi>`
  );
  let out = `<section class="failure"><h2>${escape(error.name)}</h2>
<pre>${escape(run.detail ?? error.title)}</pre>
`;
  if (steps.length > 0) out += `<p>In ${steps.join(" › ")}</p>\n`;
  for (const { machine, lines } of data.lastLines) {
    out += `<h3>${escape(machine)} said last</h3>\n<pre>${
      escape(lines.join("\n"))
    }</pre>\n`;
  }
  return `${out}</section>\n`;
}

function subtests(data: RunData): string {
  const { subtests } = data.summary(0, "");
  if (subtests.length === 0) return "";
  const rows = subtests.slice(0, most).map(({ path, state, time, error }) =>
    `<li class="${state}">${state}: <bdi>${escape(path)}</bdi>, ${
      seconds(time)
    }${error === undefined ? "" : `: ${escape(error)}`}</li>\n`
  );
  const rest = subtests.length - rows.length;
  const more = rest > 0 ? `<p>and ${rest} more</p>\n` : "";
  return `<section><h2>Subtests</h2>\n<ul>\n${
    rows.join("")
  }</ul>\n${more}</section>\n`;
}

/** Many runs as a browser without scripts shows them. */
export function staticRuns(runs: readonly RunSummary[]): string {
  const rows = runs.map(({ name, label, verdict, time, error }) =>
    `<li class="${verdict}">${verdict}: <bdi>${escape(name)}</bdi> (${
      escape(label)
    }), ${seconds(time)}${
      error === undefined ? "" : `: ${escape(error)}`
    }</li>\n`
  );
  return `<header><h1>${runs.length} runs</h1></header>
<main><ul>
${rows.join("")}</ul></main>
`;
}

/** A suite as a browser without scripts shows it. */
export function staticSuite(suite: SuiteOverview): string {
  const rows = suite.tests.map(({ name, verdict, time, reason, trend }) =>
    `<li class="${verdict}">${verdict}: <bdi>${escape(name)}</bdi>, ${
      seconds(time)
    }${reason === undefined ? "" : `: ${escape(reason)}`}${
      trend === undefined ? "" : ` (${escape(trend)})`
    }</li>\n`
  );
  const notes = suite.notes.map((note) => `<p>${escape(note)}</p>\n`);
  return `<header><h1>${suite.passed ? "passed" : "failed"}: <bdi>${
    escape(suite.name)
  }</bdi></h1></header>
<main>${notes.join("")}<ul>
${rows.join("")}</ul></main>
`;
}

function seconds(time: number): string {
  return `${(time / TICKS).toFixed(2)} s`;
}
