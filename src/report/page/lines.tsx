import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { LineChunk } from "../page_format.ts";
import { levels } from "../page_format.ts";
import type { Chunks, Lines } from "./chunks.ts";
import { clock } from "./model.ts";
import { useVirtual } from "./virtual.ts";

/** The height of a line. */
const height = 17;
/** Lines that are one row of the virtual list: a million rows are too many. */
const block = 50;
/** Lines that are in the list at once: browsers have a greatest height. */
const most = 900_000;

/** What a list of lines shows. */
export interface LineListProps {
  readonly label: string;
  readonly data: Chunks;
  readonly chunks: readonly LineChunk[];
  /** The line to bring into sight, as it is numbered. */
  readonly focus?: number;
  /** Lines of this time are marked. */
  readonly during?: { readonly from: number; readonly to: number };
  /** Texts to mark. */
  readonly query?: RegExp;
  readonly machineName?: (machine: number) => string;
  /** Called with a line that was chosen. */
  readonly onLine?: (line: number) => void;
  readonly small?: boolean;
}

/** Lines of a console or of the log, however many. */
export function LineList(props: LineListProps) {
  const { chunks, focus, label, data } = props;
  const starts = startsOf(chunks);
  const total = starts.at(-1)!;
  const at = focus === undefined ? undefined : indexOf(chunks, starts, focus);
  const [base, setBase] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const shown = Math.min(most, total - base);
  const rows = Math.ceil(shown / block);
  const virtual = useVirtual(
    scroller,
    rows,
    (row) => Math.min(block, shown - row * block) * height,
  );
  const first = chunks[0]?.chunk;
  // Whoever draws the scrollbar shall see lines, and not wait for them.
  useEffect(() => {
    const over = new AbortController();
    data.warm(chunks.map(({ chunk }) => chunk), over.signal);
    return () => over.abort();
  }, [data, first, chunks.length]);
  useLayoutEffect(() => {
    if (at === undefined) return;
    const fresh = total <= most
      ? 0
      : Math.max(0, Math.min(total - most, at - most / 2));
    setBase(fresh);
    const element = scroller.current!;
    const go = () => {
      element.scrollTop = (at - fresh) * height - element.clientHeight / 3;
    };
    go();
    // The list may not yet be as high as it is to be.
    requestAnimationFrame(go);
  }, [at, total]);
  if (total === 0) return <p class="nothing">There are no lines here.</p>;
  return (
    <div
      ref={scroller}
      class={props.small ? "lines small" : "lines"}
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      {base > 0 && (
        <button
          type="button"
          onClick={() => setBase(Math.max(0, base - most))}
        >
          earlier lines
        </button>
      )}
      <div class="tall" style={{ height: `${virtual.getTotalSize()}px` }}>
        {virtual.getVirtualItems().map(({ index, start }) => (
          <Block
            key={`${base}:${index}`}
            {...props}
            data={data}
            top={start}
            from={base + index * block}
            to={Math.min(base + (index + 1) * block, total)}
            starts={starts}
            marked={at}
          />
        ))}
      </div>
      {base + shown < total && (
        <button
          type="button"
          onClick={() => setBase(base + most)}
        >
          later lines
        </button>
      )}
    </div>
  );
}

interface BlockProps extends LineListProps {
  readonly top: number;
  readonly from: number;
  readonly to: number;
  readonly starts: readonly number[];
  readonly marked?: number;
}

/** Some lines, which are read when they come into sight. */
function Block(props: BlockProps) {
  const { data, chunks, starts, from, to, top, marked } = props;
  const first = chunkAt(starts, from);
  const last = chunkAt(starts, to - 1);
  const wanted = chunks.slice(first, last + 1);
  const key = wanted.map(({ chunk, count }) => `${chunk}+${count}`).join();
  const [read, setRead] = useState<{ first: number; lines: Lines[] }>();
  const now = wanted.map((chunk) => data.linesNow(chunk));
  const isThere = now.every((lines) => lines !== undefined);
  useEffect(() => {
    if (isThere) return;
    let current = true;
    Promise.all(wanted.map((chunk) => data.lines(chunk))).then((lines) => {
      if (current) setRead({ first, lines });
    });
    return () => {
      current = false;
    };
  }, [key, isThere]);
  // Until what has changed is read, what was there before is shown.
  const known = isThere ? now : read?.first === first ? read.lines : undefined;
  const out = [];
  if (known !== undefined) {
    for (let i = from; i < to; i++) {
      const which = chunkAt(starts, i);
      const lines = known[which - first];
      const inside = i - starts[which];
      if (lines?.texts[inside] === undefined) continue;
      out.push(
        line(props, lines, inside, chunks[which].first + inside, i === marked),
      );
    }
  }
  return (
    <div
      class={known === undefined ? "block unread" : "block"}
      style={{
        transform: `translateY(${top}px)`,
        height: `${(to - from) * height}px`,
      }}
    >
      {out}
    </div>
  );
}

function line(
  { during, query, machineName, onLine }: LineListProps,
  { times, texts, log }: Lines,
  at: number,
  number: number,
  isFocus: boolean,
) {
  const time = times[at];
  const isDuring = during !== undefined && time >= during.from &&
    time <= during.to;
  const level = log === undefined ? "" : levels[log.levels[at]];
  const machine = log === undefined ? -1 : log.machines[at];
  return (
    <div
      key={number}
      class={`line ${level}${isFocus ? " focus" : ""}${
        isDuring ? " during" : ""
      }`}
      onClick={onLine && (() => onLine(number))}
    >
      <span class="time">{clock(time)}</span>
      {machine >= 0 && machineName !== undefined && (
        <span class="who">{machineName(machine)}</span>
      )}
      <span class="said">{marked(texts[at], query)}</span>
    </div>
  );
}

/** A text with what was searched for marked. */
export function marked(text: string, query: RegExp | undefined) {
  if (query === undefined) return text;
  const out = [];
  let end = 0;
  for (const found of text.matchAll(query)) {
    if (found[0] === "") break;
    out.push(text.slice(end, found.index), <mark>{found[0]}</mark>);
    end = found.index + found[0].length;
  }
  out.push(text.slice(end));
  return out;
}

/** Where each chunk begins among all lines there are, and how many there are. */
function startsOf(chunks: readonly LineChunk[]): number[] {
  const starts = [0];
  for (const { count } of chunks) starts.push(starts.at(-1)! + count);
  return starts;
}

function chunkAt(starts: readonly number[], index: number): number {
  let low = 0;
  let high = starts.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= index) low = middle;
    else high = middle - 1;
  }
  return low;
}

function indexOf(
  chunks: readonly LineChunk[],
  starts: readonly number[],
  line: number,
): number {
  const which = chunks.findLastIndex(({ first }) => first <= line);
  if (which < 0) return 0;
  const inside = Math.min(line - chunks[which].first, chunks[which].count - 1);
  return starts[which] + inside;
}

/**
 * The number of the first line that came at a time or later.
 *
 * @param data Where lines are read.
 * @param chunks All of them.
 * @param time The time.
 */
export async function lineAt(
  data: Chunks,
  chunks: readonly LineChunk[],
  time: number,
): Promise<number | undefined> {
  const chunk = chunks.find(({ to }) => to >= time) ?? chunks.at(-1);
  if (chunk === undefined) return undefined;
  const { times } = await data.lines(chunk);
  const inside = times.findIndex((one) => one >= time);
  return chunk.first + (inside < 0 ? chunk.count - 1 : inside);
}
