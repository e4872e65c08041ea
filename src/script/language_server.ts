import type { PipedProcess } from "../backend/supervisor.ts";
import type { Supervisor } from "../backend/mod.ts";
import { shellQuote } from "../shell/mod.ts";

/** A finding of the server about a document. */
export interface ServerDiagnostic {
  /** Where it is: lines and columns from 0. */
  readonly range: Record<"start" | "end", { line: number; character: number }>;
  /** How bad it is: 1 is an error. */
  readonly severity?: number;
  /** A number, if it is the type checker's. */
  readonly code?: number | string;
  /** The name of the checker. */
  readonly source?: string;
  /** The message. */
  readonly message: string;
}

/** A message of the server. */
interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: { items?: readonly { section?: string }[] };
  readonly result?: unknown;
  readonly error?: { message: string };
}

/** How the server works: it checks types, and does nothing else. */
const SETTINGS = {
  enable: true,
  lint: false,
  cacheOnSave: false,
  documentPreloadLimit: 0,
};

const LANGUAGES: Record<string, string> = {
  jsx: "javascriptreact",
  tsx: "typescriptreact",
  js: "javascript",
  mjs: "javascript",
  cjs: "javascript",
};

/**
 * `deno lsp`, a type checker that stays: after the first check it needs only
 * milliseconds for a document that has changed.
 */
export class LanguageServer {
  readonly #process: PipedProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #texts = new Map<string, string>();
  #requests = 0;
  #versions = 0;
  #gone?: Error;

  private constructor(process: PipedProcess) {
    this.#process = process;
    this.#input = process.stdin.getWriter();
    this.#listen().catch(() => {}).then(() => this.#end());
    process.stderr.pipeTo(new WritableStream()).catch(() => {});
  }

  /**
   * Starts a server.
   *
   * @param deno The path of `deno`.
   * @param directory The directory whose `deno.json` counts, if it has one.
   * @param supervisor Ends the server, whatever the end of the driver is.
   * @throws {Error} if the server does not start.
   */
  static async start(
    deno: string,
    directory: string,
    supervisor: Supervisor,
  ): Promise<LanguageServer> {
    const process = supervisor.spawn(`exec ${shellQuote(deno)} lsp --quiet`, {
      cwd: directory,
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    });
    const server = new LanguageServer(process);
    const uri = new URL(`file://${encodeURI(directory)}`).href;
    await server.#request("initialize", {
      processId: Deno.pid,
      rootUri: uri,
      workspaceFolders: [{ uri, name: "tests" }],
      initializationOptions: SETTINGS,
      capabilities: {
        textDocument: { diagnostic: {} },
        workspace: { configuration: true },
      },
    });
    server.#send({ method: "initialized", params: {} });
    return server;
  }

  /** Whether the server has ended. */
  get isGone(): boolean {
    return this.#gone !== undefined;
  }

  /** Tells the server a document's text, which counts instead of the file's. */
  write(uri: string, text: string): void {
    const before = this.#texts.get(uri);
    if (before === text) return;
    this.#texts.set(uri, text);
    const version = ++this.#versions;
    if (before === undefined) {
      const ending = /\.(\w+)$/.exec(uri)?.[1] ?? "";
      const languageId = LANGUAGES[ending] ?? "typescript";
      this.#send({
        method: "textDocument/didOpen",
        params: { textDocument: { uri, languageId, version, text } },
      });
    } else {
      this.#send({
        method: "textDocument/didChange",
        params: {
          textDocument: { uri, version },
          contentChanges: [{ text }],
        },
      });
    }
  }

  /**
   * Checks a document that the server knows.
   *
   * @returns Its errors.
   * @throws {Error} if the server can't, or has ended.
   */
  async errors(uri: string): Promise<ServerDiagnostic[]> {
    const report = await this.#request("textDocument/diagnostic", {
      textDocument: { uri },
    }) as { kind?: string; items?: ServerDiagnostic[] } | null;
    if (report?.kind !== "full" || report.items === undefined) {
      throw new Error("deno lsp does not say what is wrong with a document");
    }
    return report.items.filter(({ severity }) => severity === 1);
  }

  #request(method: string, params: object): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const id = ++this.#requests;
    const answer = Promise.withResolvers<unknown>();
    this.#answers.set(id, answer);
    this.#send({ id, method, params });
    return answer.promise;
  }

  #send(message: object): void {
    const body = new TextEncoder().encode(
      JSON.stringify({ jsonrpc: "2.0", ...message }),
    );
    const head = new TextEncoder().encode(
      `Content-Length: ${body.length}\r\n\r\n`,
    );
    const whole = new Uint8Array(head.length + body.length);
    whole.set(head);
    whole.set(body, head.length);
    // A server that has ended answers no more, so its requests fail.
    this.#input.write(whole).catch(() => {});
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    let buffer = new Uint8Array(0);
    for await (const part of this.#process.stdout) {
      const whole = new Uint8Array(buffer.length + part.length);
      whole.set(buffer);
      whole.set(part, buffer.length);
      buffer = whole;
      for (;;) {
        // Heads are ASCII, and short.
        const head = decoder.decode(buffer.subarray(0, 200));
        const match =
          /^(?:[^\n]*\r\n)*?Content-Length: (\d+)\r\n(?:[^\n]+\r\n)*\r\n/
            .exec(head);
        if (match === null) break;
        const end = match[0].length + Number(match[1]);
        if (buffer.length < end) break;
        const body = decoder.decode(buffer.subarray(match[0].length, end));
        buffer = buffer.slice(end);
        this.#take(JSON.parse(body));
      }
    }
  }

  #take({ id, method, params, result, error }: Message): void {
    if (method !== undefined) {
      if (id === undefined) return;
      // It asks for settings, one answer for each item.
      const answer = params?.items?.map(({ section }) =>
        section === "deno" ? SETTINGS : {}
      ) ?? null;
      return this.#send({ id, result: answer });
    }
    const answer = this.#answers.get(Number(id));
    this.#answers.delete(Number(id));
    if (error === undefined) answer?.resolve(result);
    else answer?.reject(new Error(`deno lsp: ${error.message}`));
  }

  #end(): void {
    this.#gone = new Error("deno lsp has ended");
    for (const { reject } of this.#answers.values()) reject(this.#gone);
    this.#answers.clear();
  }
}
