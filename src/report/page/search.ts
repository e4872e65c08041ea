import type { LineChunk, StepRecord } from "../page_format.ts";
import { type Chunks, parsed } from "./chunks.ts";
import type { Model, Step } from "./model.ts";

/** Something that was found. */
export interface Hit {
  readonly where: "step" | "error" | "output" | "console" | "log";
  readonly step?: Step;
  /** The number of the machine whose console it is. */
  readonly machine?: number;
  /** The number of the line there. */
  readonly line?: number;
  /** The line. */
  readonly text: string;
}

/** What was found so far. */
export interface Found {
  readonly hits: readonly Hit[];
  /** How many there are, listed or not. */
  readonly count: number;
  readonly done: boolean;
}

/** Hits that are listed at most. */
const most = 5000;
/** Chunks that are read at the same time. */
const ahead = 6;
/** Milliseconds between two looks at what was found. */
const interval = 120;

/**
 * What to look for: words as they are, whatever their case, or a regular
 * expression between slashes.
 *
 * @returns Nothing where there is nothing to look for.
 */
export function queryOf(words: string): RegExp | undefined {
  const text = words.trim();
  if (text === "") return undefined;
  const slashed = /^\/(.+)\/(i?)$/.exec(text);
  if (slashed !== null) {
    try {
      return new RegExp(slashed[1], `gm${slashed[2]}`);
    } catch {
      return undefined;
    }
  }
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"), "gim");
}

/**
 * Looks through steps, their output, the log and the consoles.
 *
 * @param model The run.
 * @param data Where its chunks are read.
 * @param query What to look for.
 * @param signal Ends the search.
 * @param tell Gets what was found so far, and in the end all.
 */
export async function search(
  model: Model,
  data: Chunks,
  query: RegExp,
  signal: AbortSignal,
  tell: (found: Found) => void,
): Promise<void> {
  const hits: Hit[] = [];
  let count = 0;
  let told = -Infinity;
  const add = (hit: Hit) => {
    count++;
    if (hits.length < most) hits.push(hit);
  };
  const tellSoon = () => {
    // The first is told at once.
    if (count === 0 || performance.now() - told < interval) return;
    told = performance.now();
    tell({ hits: [...hits], count, done: false });
  };
  const { run, steps } = model;
  for (const step of steps) {
    if (has(step.text, query)) add({ where: "step", step, text: step.text });
  }
  // The chunks of records, with the steps that have records there.
  const records = new Map<number, Map<number, (text: string) => void>>();
  const listen = (
    chunk: number,
    record: number,
    take: (record: string) => void,
  ) => {
    const own = records.get(chunk) ?? new Map();
    records.set(chunk, own.set(record, take));
  };
  for (const step of steps) {
    const chunk = run.steps.chunk[step.at];
    if (chunk < 0) continue;
    listen(chunk, run.steps.record[step.at], (text) => {
      const { text: whole = "", commands = [] } = JSON.parse(
        text,
      ) as StepRecord;
      const output = commands.map(({ output, stderr = "" }) =>
        `${output}\n${stderr}`
      ).join("\n");
      eachLine(
        whole.slice(step.text.length),
        query,
        (_, text) => add({ where: "step", step, text }),
      );
      eachLine(
        output,
        query,
        (_, text) => add({ where: "output", step, text }),
      );
    });
  }
  for (const { step, place: [chunk, record] } of run.errors) {
    listen(chunk, record, (text) => {
      eachLine(
        JSON.parse(text),
        query,
        (_, text) => add({ where: "error", step: model.step(step), text }),
      );
    });
  }
  tellSoon();
  const isWritten = isWrittenAsItIs(query);
  for await (const [, text, own] of read([...records], data)) {
    if (signal.aborted) return;
    // To parse thousands of records takes much longer than to look at them.
    if (isWritten && !has(text, query)) continue;
    const lines = text.split("\n");
    for (const [record, take] of own) {
      if (!isWritten || has(lines[record], query)) take(lines[record]);
    }
    tellSoon();
  }
  const all: [LineChunk, number][] = [
    ...run.log.map((chunk): [LineChunk, number] => [chunk, -1]),
    ...run.machines.flatMap(({ chunks }, machine) =>
      chunks.map((chunk): [LineChunk, number] => [chunk, machine])
    ),
  ];
  const wanted = all.map(([chunk, machine]) =>
    [chunk.chunk, { chunk, machine }] as const
  );
  for await (const [, text, { chunk, machine }] of read(wanted, data)) {
    if (signal.aborted) return;
    const where = machine < 0 ? "log" as const : "console" as const;
    const found: [line: number, text: string][] = [];
    if (mayBeStamp(query)) {
      const whole = parsed(text).texts.join("\n");
      eachLine(whole, query, (line, text) => found.push([line, text]));
    } else {
      // What stands before the lines is no line.
      const from = text.indexOf("\n") + 1;
      let lines: readonly string[] | undefined;
      eachLine(text, query, (line, text_) => {
        const isListed = hits.length + found.length < most;
        if (isListed) lines ??= parsed(text).texts;
        found.push([line - 1, lines?.[line - 1] ?? text_]);
      }, from);
    }
    for (const [line, text] of found) {
      add({ where, machine, line: chunk.first + line, text });
    }
    tellSoon();
  }
  tell({ hits, count, done: true });
}

/**
 * Reads ahead what a search looks through, for somebody who is about to search.
 *
 * @param model The run.
 * @param data Where its chunks are read.
 * @param signal Ends it.
 */
export function readAhead(
  { run }: Model,
  data: Chunks,
  signal: AbortSignal,
): Promise<void> {
  const records = new Set([
    ...run.steps.chunk,
    ...run.errors.map(({ place }) => place[0]),
  ]);
  records.delete(-1);
  const lines = [run.log, ...run.machines.map(({ chunks }) => chunks)].flat();
  return data.warm(
    [...records, ...lines.map(({ chunk }) => chunk)],
    signal,
  );
}

/** What begins with a letter, and has nothing in it that stands for anything else. */
const literal = /^[a-z](?:[\w :=,;@#%&<>~-]|\\[/.*+?^$()[\]{}|])*$/i;

/** Whether what is looked for may be in the times that the kernel puts before lines. */
function mayBeStamp({ source }: RegExp): boolean {
  return !literal.test(source);
}

/** Whether what is looked for looks the same in a text that is written as JSON. */
function isWrittenAsItIs({ source }: RegExp): boolean {
  return literal.test(source);
}

function has(text: string, query: RegExp): boolean {
  query.lastIndex = 0;
  return query.test(text);
}

/** Each line of a text with something that was looked for, and its number. */
function eachLine(
  text: string,
  query: RegExp,
  take: (line: number, text: string) => void,
  from = 0,
): void {
  let line = 0;
  let at = 0;
  query.lastIndex = from;
  for (let found; (found = query.exec(text)) !== null;) {
    let next = text.indexOf("\n", at);
    while (next >= 0 && next < found.index) {
      line++;
      at = next + 1;
      next = text.indexOf("\n", at);
    }
    const end = next < 0 ? text.length : next;
    take(line, text.slice(at, Math.min(end, at + 400)));
    query.lastIndex = end + 1;
    if (found[0] === "" && end >= text.length) break;
  }
}

/** Reads chunks in their order, some ahead of the one that is looked at. */
async function* read<T>(
  chunks: readonly (readonly [number, T])[],
  data: Chunks,
): AsyncGenerator<[number, string, T]> {
  const pending: Promise<string>[] = [];
  for (let i = 0; i < chunks.length; i++) {
    while (pending.length < ahead && i + pending.length < chunks.length) {
      pending.push(data.keptText(chunks[i + pending.length][0]));
    }
    const [id, more] = chunks[i];
    yield [id, await pending.shift()!, more];
  }
}
