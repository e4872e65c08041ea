import { type LabelledRun, pageParts, writePage } from "./page_file.ts";
import type { SuiteOverview } from "./page_format.ts";
import { readEventFile } from "./read_event_file.ts";
import { RewrittenFile } from "./rewritten_file.ts";
import { RunData } from "./run_data.ts";
import { Spool } from "./spool.ts";

/**
 * Makes a page of one or many runs from their files of events. A page of many
 * runs shows what failed where. A run whose driver was killed is unfinished.
 *
 * @param files The files' paths.
 * @param path Path of the page.
 * @returns The files that end in the middle of a line.
 * @throws {UsageError} A file is no file of events.
 */
export async function makeReport(
  files: readonly string[],
  path: string,
): Promise<string[]> {
  const labels = labelsOf(files);
  return await write(
    path,
    files.map((path, i) => ({ path, label: labels[i] })),
  );
}

/** The events of a run of a suite. */
export interface SuiteRunFile {
  /** Path of the file of events. */
  readonly path: string;
  /** The run's name on the page. */
  readonly label: string;
}

/**
 * Makes a page of a suite, with the runs of which there are files of events. Of
 * a file that is broken, the page has what comes before that.
 *
 * @param suite The suite; the numbers of runs in it count from 0 in `files`.
 * @param files The runs.
 * @param path Path of the page.
 */
export async function makeSuiteReport(
  suite: SuiteOverview,
  files: readonly SuiteRunFile[],
  path: string,
): Promise<void> {
  await write(path, files, suite);
}

async function write(
  path: string,
  files: readonly SuiteRunFile[],
  suite?: SuiteOverview,
): Promise<string[]> {
  using spool = new Spool();
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const truncated: string[] = [];
  const runs: LabelledRun[] = [];
  for (const { path: file, label } of files) {
    const data = new RunData(spool, folder);
    try {
      const end = await readEventFile(file, (event) => {
        // The pictures' files may be gone from this host, or have changed.
        if (event.type === "screenshot") data.add(event, event.picture ?? {});
        else data.add(event);
      });
      if (end.truncated) truncated.push(file);
    } catch (error) {
      // One run must not cost a suite the page of all others.
      if (suite === undefined) throw error;
      truncated.push(file);
    }
    runs.push({ data, label });
  }
  new RewrittenFile(path, (fresh) => {
    writePage(fresh, pageParts(runs, spool, { suite }), spool);
  }, { once: true });
  return truncated;
}

/** The distinct part of each file's path, without what all paths share. */
function labelsOf(files: readonly string[]): string[] {
  if (files.length === 1) return [""];
  const shared = (of: readonly string[][]) => {
    let count = 0;
    const least = Math.min(...of.map(({ length }) => length));
    while (
      count < least - 1 && of.every((parts) => parts[count] === of[0][count])
    ) count++;
    return count;
  };
  const paths = files.map((file) => file.split("/"));
  const before = shared(paths);
  const after = shared(paths.map((parts) => [...parts].reverse()));
  return paths.map((parts) => {
    const own = parts.slice(before, after > 0 ? -after : undefined);
    return own.length === 0 ? parts.at(-1)! : own.join("/");
  }).map((label) => label.replace(/\.jsonl$/, ""));
}
