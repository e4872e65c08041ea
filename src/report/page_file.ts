import { writeAllSync } from "../stream/mod.ts";
import { escape } from "./escape.ts";
import type { ChunkId, PageOverview, SuiteOverview } from "./page_format.ts";
import { jsonPieces } from "./json_pieces.ts";
import template from "./page/page.html" with { type: "text" };
import type { RunData } from "./run_data.ts";
import { element, type Spool } from "./spool.ts";
import { staticRun, staticRuns, staticSuite } from "./static_summary.ts";

/** A run for a page, and its label there. */
export interface LabelledRun {
  readonly data: RunData;
  readonly label: string;
}

const encoder = new TextEncoder();

// Split before it holds a guest's text.
const [begin, middle, tail] = template.split(/%%(?:index|chunks)%%/);

/** The parts of a page. */
export interface PageParts {
  /** The page up to its data. */
  readonly head: string;
  /** The overview, and the chunks of this version alone. */
  readonly data: readonly Uint8Array<ArrayBuffer>[];
  /** What is between those and the chunks on disk. */
  readonly middle: string;
  /** What follows the chunks on disk. */
  readonly tail: string;
  /** Whether the page holds a chunk of those on disk. */
  readonly isWanted: (chunk: ChunkId) => boolean;
}

/** Options of {@linkcode pageParts}. */
export interface PageOptions {
  /** Whether the page asks its server for news. Default: no. */
  live?: boolean;
  /** The suite that the runs are of. Default: they are of none. */
  suite?: SuiteOverview;
}

/**
 * Makes a page of runs as they are now.
 *
 * @param runs The runs.
 * @param spool Where all of them keep their chunks.
 * @param options What kind of page.
 */
export function pageParts(
  runs: readonly LabelledRun[],
  spool: Spool,
  options: PageOptions = {},
): PageParts {
  const elements: Uint8Array<ArrayBuffer>[] = [];
  const unwanted: ((chunk: ChunkId) => boolean)[] = [];
  const summaries = [];
  const versions = [];
  for (const { data, label } of runs) {
    const version = data.version(spool.count + elements.length);
    versions.push(version);
    elements.push(...version.elements);
    unwanted.push(version.isWanted);
    const index = spool.count + elements.length;
    elements.push(element(index, jsonPieces(version.run)));
    summaries.push(data.summary(index, label));
  }
  const { suite } = options;
  const overview: PageOverview = { runs: summaries, suite };
  const only = suite === undefined && runs.length === 1
    ? { run: versions[0].run, data: runs[0].data }
    : undefined;
  const title = only !== undefined
    ? `${only.run.verdict}: ${only.run.name}`
    : suite !== undefined
    ? `${suite.passed ? "passed" : "failed"}: ${suite.name}`
    : `${runs.length} runs: ${
      summaries.filter(({ verdict }) => verdict !== "passed").length
    } not passed`;
  const summary = only !== undefined
    ? staticRun(only.run, only.data)
    : suite !== undefined
    ? staticSuite(suite)
    : staticRuns(summaries);
  const head = filled({
    connect: options.live ? "; connect-src 'self'" : "",
    title: escape(title),
    summary,
  });
  return {
    head: options.live ? head.replace("<html ", `<html data-live="" `) : head,
    // Before the script, so that it has all for its first picture.
    data: [element("overview", jsonPieces(overview)), ...elements],
    middle,
    tail,
    isWanted: (chunk) => unwanted.every((wants) => wants(chunk)),
  };
}

/** Writes a page to a file, and never holds the whole of it. */
export function writePage(
  path: string,
  { head, data, middle, tail, isWanted }: PageParts,
  spool: Spool,
): void {
  using file = Deno.openSync(path, {
    write: true,
    create: true,
    truncate: true,
  });
  writeAllSync(file, encoder.encode(head));
  for (const one of data) writeAllSync(file, one);
  writeAllSync(file, encoder.encode(middle));
  spool.copy(file, isWanted);
  writeAllSync(file, encoder.encode(tail));
}

/** The begin of a page with its texts, which may hold anything. */
function filled(values: Record<string, string>): string {
  return begin.replace(/%%(\w+)%%/g, (whole, name) => values[name] ?? whole);
}
