import { MachineError, noteHypervisorGone } from "../../errors.ts";
import { delay, within } from "../../time/mod.ts";

/** Seconds between two tries to reach an API that is not there yet. */
const PAUSE = 0.01;
/** Seconds that one answer may take, unless the caller sets a timeout. */
const ANSWER = 60;
/** Bytes of an answer that a message quotes, at most. */
const QUOTED = 2000;

/** A hypervisor's API refused a request. */
export class ApiError extends MachineError {
  /** The request: `PUT /drives/rootfs`. */
  readonly endpoint: string;
  /** The status of its answer. */
  readonly status: number;
  /** What it said. */
  readonly fault: string;

  /** Describes who refused what, in the hypervisor's own words. */
  constructor(
    hypervisor: string,
    endpoint: string,
    status: number,
    fault: string,
  ) {
    super(
      `${hypervisor} refused ${endpoint} with status ${status}: ` +
        (fault === "" ? "it said nothing" : fault),
    );
    this.name = "ApiError";
    this.endpoint = endpoint;
    this.status = status;
    this.fault = fault;
  }
}

/** How an {@linkcode ApiClient} is made. */
export interface ApiClientOptions {
  /** The UNIX socket of the API. */
  readonly socket: string;
  /** The path before that of each request, such as `/api/v1`. */
  readonly base?: string;
  /** The hypervisor, as messages call it. */
  readonly hypervisor: string;
  /** Reads what an error's body says. */
  readonly faultOf: (body: string) => string;
}

/** The client of a hypervisor's API: HTTP and JSON over a UNIX socket. */
export class ApiClient implements Disposable {
  readonly #options: ApiClientOptions;
  readonly #client: Deno.HttpClient;
  #isClosed = false;

  /** Connects when it is first asked. */
  constructor(options: ApiClientOptions) {
    this.#options = options;
    this.#client = Deno.createHttpClient({
      proxy: { transport: "unix", path: options.socket },
    });
  }

  /**
   * Sends a request.
   *
   * @param method The method, such as `PUT`.
   * @param path The path below the base.
   * @param body The body, sent as JSON, if there is one.
   * @param options.timeout Seconds that the answer may take. Default: 60.
   * @returns The body of the answer, if there is one.
   * @throws {ApiError} if the hypervisor refuses it.
   * @throws {MachineError} if it does not answer in time.
   */
  async request(
    method: string,
    path: string,
    body?: object,
    options: { timeout?: number } = {},
  ): Promise<unknown> {
    const { hypervisor, base = "", faultOf } = this.#options;
    const endpoint = `${method} ${path}`;
    const { timeout = ANSWER } = options;
    const over = new AbortController();
    const asking = this.#ask(method, `${base}${path}`, body, over.signal);
    asking.catch(() => {});
    const answer = await within(timeout, asking);
    if (answer === undefined) {
      over.abort();
      throw new MachineError(
        `${hypervisor} has not answered ${endpoint} in ${timeout} seconds`,
      );
    }
    const { status, text } = answer;
    if (status >= 400) {
      throw new ApiError(
        hypervisor,
        endpoint,
        status,
        faultOf(text).trim().slice(0, QUOTED),
      );
    }
    return text === "" ? undefined : JSON.parse(text);
  }

  /**
   * Waits until the hypervisor answers: its socket is there before that.
   *
   * @param path What it is asked.
   * @param signal Ends the wait.
   * @returns Its answer.
   */
  async answers(path: string, signal: AbortSignal): Promise<unknown> {
    while (true) {
      signal.throwIfAborted();
      try {
        return await this.request("GET", path);
      } catch (error) {
        if (error instanceof MachineError) throw error;
        await delay(PAUSE, signal);
      }
    }
  }

  /** Asks no more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#client.close();
  }

  /** Asks no more. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #ask(
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<{ status: number; text: string }> {
    try {
      // The name stands for the socket.
      const response = await fetch(`http://localhost${path}`, {
        client: this.#client,
        method,
        headers: body === undefined
          ? {}
          : { "content-type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      const { hypervisor } = this.#options;
      const gone = new Error(`${hypervisor} has closed its API`, {
        cause: error,
      });
      noteHypervisorGone(gone);
      throw gone;
    }
  }
}
