import { escape } from "../report/escape.ts";
import { harmless } from "../scan/mod.ts";
import { type History, historyOf } from "./history.ts";
import { titleOfReason } from "./reason.ts";
import {
  type AttemptResult,
  type SuiteResults,
  type SuiteTestResult,
  titleOf,
} from "./results.ts";
import { describeTrend, trendOf } from "./trend.ts";

/** Options of {@linkcode suiteJunit}. */
export interface SuiteJunitOptions {
  /** What the tests were before, and are now. Default: nothing is known. */
  readonly history?: History;
  /**
   * What is missing, a sentence each. Each becomes a case in error. Default:
   * nothing.
   */
  readonly notes?: readonly string[];
  /**
   * Turns the directory of an attempt into the path by which readers of the
   * report find it. Default: the path relative to the results.
   */
  readonly locate?: (directory: string) => string;
}

/**
 * A JUnit report of a suite: a case for each test, with its history as
 * properties. An attempt that did not pass
 * is a `failure`, or an `error` where the test gave no verdict; before others it
 * is a `flakyFailure` or a `rerunFailure`, as Maven's Surefire has them.
 *
 * @param results The results.
 * @param options What else there is to tell.
 * @returns The report's text.
 */
export function suiteJunit(
  results: SuiteResults,
  { history = historyOf([]), notes = [], locate = (path) => path }:
    SuiteJunitOptions = {},
): string {
  const { tests } = results;
  const of = (...verdicts: SuiteTestResult["verdict"][]) =>
    tests.filter(({ verdict }) => verdicts.includes(verdict)).length;
  const time = tests.reduce((sum, { duration }) => sum + duration, 0);
  const counts = `tests="${tests.length + notes.length}" failures="${
    of("failed", "timeout")
  }" errors="${of("crashed", "unfinished") + notes.length}" time="${
    time.toFixed(3)
  }"`;
  const name = attribute(results.name);
  const host = results.host === undefined
    ? ""
    : ` hostname="${attribute(results.host)}"`;
  const date = new Date(results.date).toISOString().slice(0, 19);
  return `<?xml version="1.0" encoding="utf-8"?>
<testsuites ${counts}>
  <testsuite name="${name}" ${counts} skipped="${
    of("skipped")
  }" timestamp="${date}"${host}>
${tests.map((test) => caseOf(test, name, { history, locate })).join("")}${
    notes.map((note) => missing(note, name)).join("")
  }  </testsuite>
</testsuites>
`;
}

function caseOf(
  test: SuiteTestResult,
  className: string,
  { history, locate }: Required<Omit<SuiteJunitOptions, "notes">>,
): string {
  const { verdict, attempts, reason, duration } = test;
  const lines = [properties(test, history)];
  const before = attempts.slice(0, -1);
  const last = attempts.at(-1);
  const why = reason ?? last?.reason ?? "";
  switch (verdict) {
    case "failed":
    case "timeout":
      lines.push(element("failure", verdict, why));
      break;
    case "crashed":
    case "unfinished":
      lines.push(element("error", verdict, why));
      break;
    case "skipped":
      lines.push(`      <skipped message="${attribute(why)}"/>\n`);
      break;
  }
  const again = verdict === "flaky" ? "flakyFailure" : "rerunFailure";
  for (const one of before) lines.push(rerun(again, one));
  const files = attempts.flatMap(({ directory }) =>
    directory === undefined
      ? []
      : `[[ATTACHMENT|${locate(directory)}/report.html]]\n`
  );
  if (files.length > 0) {
    lines.push(`      <system-out>${text(files.join(""))}</system-out>\n`);
  }
  return `    <testcase name="${
    attribute(titleOf(test))
  }" classname="${className}" time="${duration.toFixed(3)}">\n${
    lines.join("")
  }    </testcase>\n`;
}

/** What the history tells, in words and in numbers. */
function properties({ name, tags }: SuiteTestResult, history: History): string {
  const values: [string, string][] = tags.map((tag) => ["tag", tag]);
  const trend = trendOf(history.get(name) ?? []);
  if (trend !== undefined) {
    const { recent, flaky, red, duration, redSince } = trend;
    values.push(
      ["history", describeTrend(trend)],
      ["history.runs", `${recent.length}`],
      ["history.flaky", `${flaky}`],
      ["history.red", `${red}`],
    );
    if (duration !== undefined) {
      values.push(["history.duration", duration.toFixed(3)]);
    }
    if (redSince !== undefined) {
      const since = new Date(redSince.date).toISOString();
      values.push(["history.redSince", since]);
    }
  }
  if (values.length === 0) return "";
  const rows = values.map(([name, value]) =>
    `        <property name="${name}" value="${attribute(value)}"/>\n`
  );
  return `      <properties>\n${rows.join("")}      </properties>\n`;
}

/** A case for a part that has not reported. */
function missing(note: string, className: string): string {
  return `    <testcase name="${
    attribute(note)
  }" classname="${className}" time="0.000">
${element("error", "missing", note)}    </testcase>
`;
}

function rerun(name: string, { verdict, reason = "" }: AttemptResult): string {
  return `      <${name} message="${
    attribute(titleOfReason(reason))
  }" type="${verdict}"><stackTrace>${text(reason)}</stackTrace></${name}>\n`;
}

function element(name: string, type: string, reason: string): string {
  return `      <${name} message="${
    attribute(titleOfReason(reason) || type)
  }" type="${type}">${text(reason)}</${name}>\n`;
}

function attribute(value: string): string {
  return escape(harmless(value), true);
}

function text(value: string): string {
  return escape(harmless(value));
}
