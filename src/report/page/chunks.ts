import type {
  ChunkId,
  LineChunk,
  LineColumns,
  LogColumns,
  PageOverview,
  RecordPlace,
} from "../page_format.ts";
import { stampText } from "../kernel_stamp.ts";

/** A chunk as it stands on the page. */
interface Kept {
  readonly base64: string;
  readonly gzip: boolean;
}

/** Lines of a console or of the log. */
export interface Lines {
  readonly times: readonly number[];
  readonly texts: readonly string[];
  /** What else the log tells of its lines. */
  readonly log?: LogColumns;
}

/** Chunks that are kept as they are read, for the next look. */
const remembered = 48;
/** Characters of texts that are kept for the next search, and for the next look. */
const mostKept = 100_000_000;

/** Where chunks come from: from the page, or from the driver while it runs. */
export class Chunks {
  readonly #fetched = new Map<ChunkId, Kept>();
  /** Those from this number on belong to one version of the page. */
  #lasting = Infinity;
  /** Lines that were put together. */
  readonly #lines = new Map<ChunkId, Lines>();
  readonly #reading = new Map<ChunkId, Promise<Lines>>();
  readonly #records = new Map<ChunkId, Promise<unknown[]>>();
  readonly #images = new Map<ChunkId, Promise<string>>();
  readonly #texts = new Map<ChunkId, Promise<string>>();
  /** The same, of those that have come. */
  readonly #kept = new Map<ChunkId, string>();
  #keptSize = 0;
  /** Whether the page asks the driver. */
  readonly isLive = document.documentElement.dataset.live !== undefined;

  /**
   * Takes what the driver says is new.
   *
   * @param html Elements as they stand on a page.
   * @param lasting The number of the first chunk that is of this version alone.
   * @returns The overview among them.
   */
  async take(html: string, lasting: number): Promise<PageOverview> {
    this.#lasting = lasting;
    for (
      const cache of [
        this.#fetched,
        this.#lines,
        this.#reading,
        this.#records,
      ]
    ) {
      for (const id of [...cache.keys()]) if (id >= lasting) cache.delete(id);
    }
    for (const [id, kept] of elements(html)) this.#fetched.set(id, kept);
    const found = /id="overview"( data-gzip="")?>([^<]*)</.exec(html);
    if (found === null) throw new Error("The driver's answer is not whole");
    const [, gzip, base64] = found;
    return JSON.parse(await inflated({ base64, gzip: gzip !== undefined }));
  }

  /** A chunk's text, which is not remembered. */
  async text(id: ChunkId): Promise<string> {
    return await inflated(await this.#element(id));
  }

  /**
   * A chunk's text, which is remembered as long as there is room: whoever types
   * searches again with each letter, and a scrollbar is drawn both ways.
   */
  keptText(id: ChunkId): Promise<string> {
    let text = this.#texts.get(id);
    if (text !== undefined) return text;
    text = this.text(id);
    if (id >= this.#lasting) return text;
    this.#texts.set(id, text);
    text.then((text) => {
      // A search goes through all texts in their order. If the newest took the
      // place of the oldest, the next search would find none.
      if (this.#keptSize + text.length > mostKept) this.#texts.delete(id);
      else {
        this.#keptSize += text.length;
        this.#kept.set(id, text);
      }
    }, () => this.#texts.delete(id));
    return text;
  }

  /**
   * Reads chunks while the browser has nothing else to do, so that they are there
   * when they are wanted.
   *
   * @param ids Their numbers, the first of them first.
   * @param signal Ends that.
   */
  async warm(ids: readonly ChunkId[], signal: AbortSignal): Promise<void> {
    for (const id of ids) {
      if (this.#kept.has(id)) continue;
      await idle();
      if (signal.aborted || this.#keptSize >= mostKept) return;
      await this.keptText(id).catch(() => {});
    }
  }

  /** Lines that can be put together at once. */
  linesNow({ chunk }: LineChunk): Lines | undefined {
    const text = this.#kept.get(chunk);
    return this.#lines.get(chunk) ??
      (text === undefined ? undefined : this.#together(chunk, text));
  }

  /** Lines that were put together. */
  lines(part: LineChunk): Promise<Lines> {
    const now = this.linesNow(part);
    if (now !== undefined) return Promise.resolve(now);
    const { chunk } = part;
    return cached(
      this.#reading,
      chunk,
      async () => this.#together(chunk, await this.keptText(chunk)),
    );
  }

  #together(chunk: ChunkId, text: string): Lines {
    const lines = parsed(text);
    this.#lines.set(chunk, lines);
    forget(this.#lines);
    return lines;
  }

  /** A record. */
  async record<T>([chunk, record]: RecordPlace): Promise<T> {
    return (await this.records(chunk))[record] as T;
  }

  /** All records of a chunk. */
  records(chunk: ChunkId): Promise<unknown[]> {
    return cached(this.#records, chunk, async () => {
      const text = await this.text(chunk);
      return text.split("\n").map((line) => JSON.parse(line));
    });
  }

  /** The address of an image. */
  image(chunk: ChunkId): Promise<string> {
    let url = this.#images.get(chunk);
    if (url === undefined) {
      url = this.#element(chunk).then(({ base64 }) =>
        `data:image/png;base64,${base64}`
      );
      this.#images.set(chunk, url);
    }
    return url;
  }

  async #element(id: ChunkId): Promise<Kept> {
    const fetched = this.#fetched.get(id);
    if (fetched !== undefined) return fetched;
    // What stands on the page itself may be of an older version.
    const element = this.#lasting < Infinity
      ? null
      : document.getElementById(`c${id}`) ?? await loaded(`c${id}`);
    if (element !== null) return keptIn(element);
    if (!this.isLive || id >= this.#lasting) {
      throw new Error("This part of the page is missing");
    }
    const response = await fetch(`chunk/${id}`);
    const [found] = elements(await response.text());
    if (found === undefined) throw new Error("The driver is gone");
    this.#fetched.set(id, found[1]);
    return found[1];
  }
}

/** Waits for the end of the page where it is not all there yet. */
async function loaded(id: string): Promise<HTMLElement | null> {
  if (document.readyState === "loading") {
    await new Promise((resolve) =>
      document.addEventListener("DOMContentLoaded", resolve, { once: true })
    );
  }
  return document.getElementById(id);
}

function keptIn(element: HTMLElement): Kept {
  return {
    base64: element.textContent ?? "",
    gzip: element.dataset.gzip !== undefined,
  };
}

/** An element of the page, read. */
export async function readElement<T>(id: string): Promise<T> {
  const element = document.getElementById(id);
  if (element === null) throw new Error("The page is not whole");
  return JSON.parse(await inflated(keptIn(element)));
}

function* elements(html: string): Generator<[ChunkId, Kept]> {
  const found = html.matchAll(
    /<script type="text\/plain" id="c(\d+)"( data-gzip="")?>([^<]*)<\/script>/g,
  );
  for (const [, id, gzip, base64] of found) {
    yield [Number(id), { base64, gzip: gzip !== undefined }];
  }
}

async function inflated({ base64, gzip }: Kept): Promise<string> {
  const bytes = decoded(base64);
  if (!gzip) return new TextDecoder().decode(bytes);
  const stream = new Blob([bytes]).stream()
    .pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).text();
}

function decoded(base64: string): Uint8Array<ArrayBuffer> {
  const array = Uint8Array as typeof Uint8Array & {
    fromBase64?(text: string): Uint8Array<ArrayBuffer>;
  };
  if (array.fromBase64 !== undefined) return array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Lines, with the times of the kernel before them again. */
export function parsed(text: string): Lines {
  const end = text.indexOf("\n");
  const head: LineColumns = JSON.parse(text.slice(0, end));
  let time = 0;
  const texts = text.slice(end + 1).split("\n");
  texts.pop();
  let stamp = 0;
  head.stamps?.forEach((after, i) => {
    if (after === null) return;
    stamp += after;
    texts[i] = stampText(stamp) + texts[i];
  });
  return {
    times: head.times.map((delta) => time += delta),
    texts,
    log: head.levels === undefined ? undefined : head as LogColumns,
  };
}

function cached<T>(
  cache: Map<ChunkId, Promise<T>>,
  id: ChunkId,
  read: () => Promise<T>,
): Promise<T> {
  const known = cache.get(id);
  if (known !== undefined) {
    // The latest stand last.
    cache.delete(id);
    cache.set(id, known);
    return known;
  }
  const fresh = read();
  cache.set(id, fresh);
  fresh.catch(() => cache.delete(id));
  forget(cache);
  return fresh;
}

/** Drops the oldest, where there is more than is remembered. */
function forget(cache: Map<ChunkId, unknown>): void {
  if (cache.size > remembered) cache.delete(cache.keys().next().value!);
}

/** Waits until the browser has nothing else to do. */
function idle(): Promise<void> {
  return new Promise((resolve) =>
    "requestIdleCallback" in globalThis
      ? requestIdleCallback(() => resolve(), { timeout: 1000 })
      : setTimeout(resolve, 20)
  );
}
