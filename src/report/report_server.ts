import type { Listener, RunEvent } from "./event.ts";
import { pageParts } from "./page_file.ts";
import { RunData } from "./run_data.ts";
import { Spool } from "./spool.ts";

/** Milliseconds between two versions that a page gets. */
const interval = 400;
/** Milliseconds that a page waits for news before it asks again. */
const patience = 20_000;
/** Milliseconds that the last version waits for a page that is open. */
const farewell = 2000;

/**
 * Shows a run in a browser while it goes on. Only programs of this host that
 * know the address, which has a token in it, can reach the server. A page of
 * another server can't use it, because its requests name another host.
 */
export class ReportServer implements Listener {
  /** The run that is shown: its number, and what it holds. */
  #run = 0;
  #spool = new Spool();
  #data = new RunData(this.#spool, "");
  readonly #token = crypto.getRandomValues(new Uint8Array(16)).toHex();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** Whether more runs come. */
  #stays: boolean;
  #version = 0;
  #changed = Promise.withResolvers<void>();
  #told = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosing = false;
  /** Pages that ask now. */
  #asking = 0;
  #lastAsked = -Infinity;

  /**
   * Begins to serve, on a port that is free.
   *
   * @param options.stays Whether it shows one run after the other, each from its
   * first event on, until it is closed. Default: no.
   */
  constructor(options: { stays?: boolean } = {}) {
    this.#stays = options.stays ?? false;
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
      onError: () => new Response("the page can't be made", { status: 500 }),
    }, (request) => this.#answer(request));
    this.#server.unref();
  }

  /** The page's address. */
  get url(): string {
    return `http://${this.#host}/${this.#token}/`;
  }

  /** See {@linkcode Listener.on}. */
  on(event: RunEvent): void {
    if (event.type === "runBegan" && this.#data.isOver) this.#beginRun();
    this.#data.add(event);
    if (this.#timer !== undefined) return;
    const wait = Math.max(0, this.#told + interval - performance.now());
    const timer = setTimeout(() => this.#tell(), wait);
    Deno.unrefTimer(timer);
    this.#timer = timer;
  }

  /** See {@linkcode Listener.close}. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#stays = false;
    this.#tell();
    // The browser gets the whole run now, because the server will be gone.
    const end = performance.now() + farewell;
    // A page may have asked while the process stood still, and is heard first.
    do {
      await new Promise((resolve) => setTimeout(resolve, 20));
    } while (this.#isWatched && performance.now() < end);
    await this.#server.shutdown();
    this.#spool[Symbol.dispose]();
  }

  #beginRun(): void {
    this.#spool[Symbol.dispose]();
    this.#spool = new Spool();
    this.#data = new RunData(this.#spool, "");
    this.#run++;
  }

  get #host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  /** Whether a page asks, or has asked a moment ago and will ask again. */
  get #isWatched(): boolean {
    return this.#asking > 0 ||
      performance.now() - this.#lastAsked < 2 * interval;
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#told = performance.now();
    this.#version++;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    // A request for another host name comes from a page of another server.
    if (request.headers.get("host") !== this.#host) {
      return new Response("not here", { status: 403 });
    }
    const [, token, what, chunk, ...rest] = url.pathname.split("/");
    if (token !== this.#token || rest.length > 0) {
      return new Response("not found", { status: 404 });
    }
    if (request.method !== "GET") {
      return new Response("only GET", { status: 405 });
    }
    if (what === "" && chunk === undefined) return this.#page();
    if (what === "state" && chunk === undefined) {
      return await this.#state(url.searchParams.get("after"));
    }
    const id = Number(chunk);
    if (
      what === "chunk" && /^\d+$/.test(chunk ?? "") && id < this.#spool.count
    ) {
      return respond([this.#spool.element(id)]);
    }
    return new Response("not found", { status: 404 });
  }

  #page(): Response {
    const { head, data, middle, tail } = this.#parts();
    return respond([head, ...data, middle, tail]);
  }

  /** The news, as soon as there are any. */
  async #state(after: string | null): Promise<Response> {
    this.#asking++;
    try {
      if (after === String(this.#version) && !this.#isClosing) {
        const changed = this.#changed.promise;
        let timer;
        const enough = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, patience);
        });
        await Promise.race([changed, enough]);
        clearTimeout(timer);
        if (after === String(this.#version)) {
          return new Response(null, { status: 204 });
        }
      }
      const all = [...this.#parts().data];
      if (this.#data.isOver) {
        for (let id = 0; id < this.#spool.count; id++) {
          all.push(this.#spool.element(id));
        }
      }
      this.#lastAsked = this.#data.isOver ? -Infinity : performance.now();
      return respond(all, {
        "x-version": String(this.#version),
        "x-run": String(this.#run),
        ...this.#stays && { "x-stays": "" },
        "x-lasting": String(this.#spool.count),
      });
    } finally {
      this.#asking--;
    }
  }

  #parts() {
    const run = { data: this.#data, label: "" };
    return pageParts([run], this.#spool, { live: true });
  }
}

function respond(
  parts: BlobPart[],
  headers: Record<string, string> = {},
): Response {
  return new Response(new Blob(parts), {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "frame-ancestors 'none'",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "same-origin",
      "cross-origin-opener-policy": "same-origin",
      ...headers,
    },
  });
}
