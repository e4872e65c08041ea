import { resolve } from "node:path";
import {
  ciOf,
  makeSuiteReport,
  type SuiteAttemptOverview,
  type SuiteOverview,
  type SuiteRunFile,
} from "../report/mod.ts";
import { TICKS } from "../report/page_format.ts";
import { RewrittenFile } from "../report/rewritten_file.ts";
import { entryOf, type History, historyOf } from "./history.ts";
import { suiteJunit } from "./junit.ts";
import { suiteMarkdown } from "./markdown.ts";
import { type Outcome, outcomeOf, reasonOf, worstFirst } from "./outcome.ts";
import { type AttemptResult, type SuiteResults, titleOf } from "./results.ts";
import { describeTrend, trendOf } from "./trend.ts";

/** Bytes of events on the page of a suite at most. */
const usualEvents = 256 * 1024 * 1024;

/** Options of {@linkcode writeReports}. */
export interface SuiteReportOptions {
  /** What the tests were before; this run may be in there already. */
  readonly history: History;
  /** Notes on the whole suite, a sentence each. Default: nothing. */
  readonly notes?: readonly string[];
  /** Whether a flaky test is a failure. Default: no. */
  readonly failOnFlaky?: boolean;
  /** Path of the page. Default: `report.html`. */
  readonly html?: string;
  /** Path of the JUnit report. Default: `junit.xml`. */
  readonly junit?: string;
  /**
   * Bytes of events on the page at most, those of the worst tests before others; a
   * run beyond is a link to its own page. Default: 256 MiB.
   */
  readonly mostEvents?: number;
}

/**
 * Writes the reports of a suite, the page `report.html` and `junit.xml`, each with
 * the history of each test. In GitHub Actions, it adds a summary to that of the job.
 *
 * @param results The results. The directories of attempts count from `directory`.
 * @param directory Where the reports go.
 * @param options What else there is to tell.
 * @returns The outcome of the suite as a whole.
 */
export async function writeReports(
  results: SuiteResults,
  directory: string,
  options: SuiteReportOptions,
): Promise<Outcome> {
  directory = resolve(directory);
  const history = withResults(options.history, results);
  const notes = options.notes ?? [];
  const outcome = outcomeOf(results, options);
  const passed = outcome.passed && notes.length === 0;
  new RewrittenFile(options.junit ?? `${directory}/junit.xml`, (path) => {
    // GitLab wants paths in its project, and Jenkins absolute ones.
    const project = `${Deno.env.get("CI_PROJECT_DIR") || "/dev/null"}/`;
    const locate = (own: string) => {
      const whole = resolve(directory, own);
      return whole.startsWith(project) ? whole.slice(project.length) : whole;
    };
    const text = suiteJunit(results, { history, notes, locate });
    Deno.writeTextFileSync(path, text);
  }, { once: true });
  const { suite, files } = overviewOf(results, {
    directory,
    history,
    notes,
    passed,
    mostEvents: options.mostEvents ?? usualEvents,
  });
  await makeSuiteReport(
    suite,
    files,
    options.html ?? `${directory}/report.html`,
  );
  const markdown = Deno.env.get("GITHUB_STEP_SUMMARY");
  if (ciOf(Deno.env) === "github" && markdown) {
    const text = suiteMarkdown(results, { history, notes, passed });
    Deno.writeTextFileSync(markdown, text, { append: true });
  }
  return { ...outcome, passed };
}

/** A history with the results in it, once. */
export function withResults(history: History, results: SuiteResults): History {
  const fresh = results.tests.flatMap((test) => entryOf(test) ?? []);
  return historyOf([...[...history.values()].flat(), ...fresh]);
}

function overviewOf(
  results: SuiteResults,
  { directory, history, mostEvents, ...whole }: {
    directory: string;
    history: History;
    mostEvents: number;
    notes: readonly string[];
    passed: boolean;
  },
): { suite: SuiteOverview; files: SuiteRunFile[] } {
  const files: SuiteRunFile[] = [];
  let left = mostEvents;
  const attemptOf = (
    attempt: AttemptResult,
    label: string,
  ): SuiteAttemptOverview => {
    const { verdict, duration } = attempt;
    const overview = { verdict, time: ticks(duration) };
    if (attempt.directory === undefined) return overview;
    const own = resolve(directory, attempt.directory);
    const events = `${own}/events.jsonl`;
    const size = sizeOf(events);
    if (size === 0 || size > left) {
      const page = `${own}/report.html`;
      if (sizeOf(page) === 0) return overview;
      // A link into the directory stays valid when the directory moves.
      const link = own.startsWith(`${directory}/`)
        ? page.slice(directory.length + 1)
        : page;
      return { ...overview, link: link.split("/").map(encoded).join("/") };
    }
    left -= size;
    files.push({ path: events, label });
    return { ...overview, run: files.length - 1 };
  };
  const tests = worstFirst(results.tests).map((test) => {
    const name = titleOf(test);
    const trend = trendOf(history.get(test.name) ?? []);
    const attempts = test.attempts.map((attempt, i) =>
      attemptOf(
        attempt,
        test.attempts.length === 1 ? name : `${name}, ${i + 1}`,
      )
    );
    return {
      name,
      verdict: test.verdict,
      time: ticks(test.duration),
      reason: reasonOf(test),
      attempts,
      past: (trend?.recent ?? []).map(({ verdict, date, duration }) => ({
        verdict,
        date,
        time: ticks(duration),
      })),
      trend: trend && describeTrend(trend),
    };
  });
  const { name, date, duration } = results;
  return {
    suite: { name, date, time: ticks(duration), tests, ...whole },
    files,
  };
}

function ticks(seconds: number): number {
  return Math.round(seconds * TICKS);
}

function encoded(part: string): string {
  return encodeURIComponent(part);
}

/** How many bytes a file has; 0 if there is none. */
function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
