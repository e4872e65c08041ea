import { gunzipSync } from "node:zlib";
import type {
  LineChunk,
  LineColumns,
  PageOverview,
  PageRun,
  RecordPlace,
} from "../../src/report/page_format.ts";
import { stampText } from "../../src/report/kernel_stamp.ts";
import { type Element, parse } from "./well_formed.ts";

/** A page, taken apart. */
export interface ReadPage {
  /** The page without its scripts, its style and its data. */
  readonly document: Element;
  readonly overview: PageOverview;
  readonly run: PageRun;
  /** Every chunk, as text or as an image's bytes in base64. */
  readonly chunks: ReadonlyMap<number, string>;
  readonly script: string;
  readonly style: string;
  readonly policy: string;
  record<T>(place: RecordPlace): T;
  /** The lines of a console or of the log. */
  lines(chunks: readonly LineChunk[]): { time: number; text: string }[];
}

/** Reads what `HtmlListener` and `vmwright report` write. */
export function readPage(text: string): ReadPage {
  const chunks = new Map<number, string>();
  let overview: PageOverview | undefined;
  const rest = text.replace(
    /<script type="text\/plain" id="(\w+)"( data-gzip="")?>([\w+/=]*)<\/script>\n/g,
    (_, id, gzip, base64) => {
      const bytes = Uint8Array.fromBase64(base64);
      const isImage = bytes[0] === 0x89 && bytes[1] === 0x50;
      const content = isImage ? base64 : new TextDecoder("utf-8", {
        fatal: true,
        ignoreBOM: true,
      }).decode(gzip === undefined ? bytes : gunzipSync(bytes));
      if (id === "overview") overview = JSON.parse(content);
      else chunks.set(Number(id.slice(1)), content);
      return "";
    },
  );
  let script = "", style = "", policy = "";
  const shell = rest.replace(
    /<script type="module">([^]*?)<\/script>\n/,
    (_, found) => {
      script = found;
      return "";
    },
  ).replace(/<style>([^]*?)<\/style>\n/, (_, found) => {
    style = found;
    return "";
  }).replace(
    /<meta http-equiv="Content-Security-Policy" content="([^"]*)"\/>\n/,
    (_, found) => {
      policy = found;
      return "";
    },
  );
  const [{ index }] = overview!.runs;
  return {
    document: parse(shell),
    overview: overview!,
    run: JSON.parse(chunks.get(index)!),
    chunks,
    script,
    style,
    policy,
    record: ([chunk, record]) =>
      JSON.parse(chunks.get(chunk)!.split("\n")[record]),
    lines: (wanted) =>
      wanted.flatMap(({ chunk, count }) => {
        const [head, ...texts] = chunks.get(chunk)!.split("\n");
        const { times, stamps } = JSON.parse(head) as LineColumns;
        if (times.length !== count || texts.length !== count + 1) {
          throw new Error(`${count} lines, ${times.length} times`);
        }
        let time = 0;
        let stamp = 0;
        return times.map((delta, i) => {
          const after = stamps?.[i] ?? null;
          const before = after === null ? "" : stampText(stamp += after);
          return { time: time += delta, text: before + texts[i] };
        });
      }),
  };
}
