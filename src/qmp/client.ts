import { noteHypervisorGone } from "../errors.ts";
import { type Frame, FrameCutter, FrameError } from "../scan/mod.ts";
import { type ByteStream, isClosedError, writeAll } from "../stream/mod.ts";
import { after, checkTimeout } from "../time/mod.ts";

/** An asynchronous event of QEMU. */
export interface QmpEvent {
  /** The event's name, such as `SHUTDOWN`. */
  event: string;
  /** The event's data. */
  data?: Record<string, unknown>;
  /** When it happened, by QEMU's clock. */
  timestamp: { seconds: number; microseconds: number };
}

/** QEMU answered a command with an error. */
export class QmpError extends Error {
  /** QEMU's class of the error, such as `GenericError`. */
  readonly errorClass: string;
  /** QEMU's description of the error. */
  readonly description: string;

  /**
   * Describes the error by the command's name and QEMU's class and description.
   */
  constructor(command: string, errorClass: string, description: string) {
    super(`QMP command ${command} failed: ${description} (${errorClass})`);
    this.name = "QmpError";
    this.errorClass = errorClass;
    this.description = description;
  }
}

/** The QMP connection has ended. */
export class QmpClosed extends Error {
  /** Takes the reason, as a sentence. */
  constructor(reason: string) {
    super(reason);
    this.name = "QmpClosed";
    noteHypervisorGone(this);
  }
}

/** An answer of QEMU is larger than the client's limits. */
export class QmpAnswerTooLarge extends Error {
  /**
   * Takes the command's name, and the limit that the answer exceeds, as a
   * sentence.
   */
  constructor(command: string, reason: string) {
    super(`The answer to the QMP command ${command} can't be read: ${reason}`);
    this.name = "QmpAnswerTooLarge";
  }
}

/** Bytes of the longest answer that the client reads. */
const LONGEST_ANSWER = 64 * 1024 * 1024;
/**
 * The deepest nesting that the client reads. QEMU itself reads no deeper one.
 */
const DEEPEST_ANSWER = 1024;
/** Seconds that QEMU may take to greet. */
const GREETING_TIMEOUT = 60;
/** Seconds that QEMU may take to answer. */
const ANSWER_TIMEOUT = 600;

interface Pending {
  command: string;
  resolve(value: unknown): void;
  reject(error: unknown): void;
  /** Cancels the timeout. */
  cancel(): void;
}

/** How to talk to a QMP server. */
interface QmpOptions {
  /** Seconds until its greeting; `null`: no limit. Default: 60. */
  timeout?: number | null;
  /**
   * Called with each event before the listeners are. If it returns a promise,
   * nothing more is read from the server until that is settled.
   */
  hold?(event: QmpEvent): Promise<void> | undefined;
}

/**
 * Connects to a QMP server over `stream`: waits for its greeting and leaves the
 * negotiation mode. If that fails, this closes the stream.
 *
 * @throws {UsageError} if the timeout is not valid.
 * @throws {DOMException} a `TimeoutError` if the greeting does not come in
 * time.
 * @throws {QmpClosed} if the stream ends first.
 */
export let connectQmp: (
  stream: ByteStream,
  options?: QmpOptions,
) => Promise<QmpClient>;

/**
 * A client of the QEMU Machine Protocol. It sends any number of commands at
 * once, and receives their answers and events.
 *
 * See https://www.qemu.org/docs/master/interop/qmp-spec.html
 */
export class QmpClient implements Disposable {
  readonly #stream: ByteStream;
  readonly #hold: QmpOptions["hold"];
  readonly #cutter = new FrameCutter({
    maxFrame: LONGEST_ANSWER,
    maxDepth: DEEPEST_ANSWER,
  });
  /** In the order in which they were sent; QEMU answers in the same order. */
  readonly #pending = new Map<string, Pending>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  readonly #onClosed = new Set<(error: QmpClosed) => void>();
  readonly #ready = Promise.withResolvers<void>();
  #nextId = 0;
  #closed?: QmpClosed;
  #writing: Promise<void> = Promise.resolve();

  static {
    connectQmp = (stream, options) => QmpClient.#connect(stream, options);
  }

  private constructor(stream: ByteStream, hold?: QmpOptions["hold"]) {
    this.#stream = stream;
    this.#hold = hold;
    this.#ready.promise.catch(() => {});
    this.#read();
  }

  static async #connect(
    stream: ByteStream,
    options: QmpOptions = {},
  ): Promise<QmpClient> {
    const { timeout = GREETING_TIMEOUT, hold } = options;
    checkTimeout(timeout);
    const client = new QmpClient(stream, hold);
    const cancel = after(
      timeout ?? Infinity,
      () =>
        client.#ready.reject(
          late(`QEMU has not greeted over QMP in ${timeout} seconds`),
        ),
    );
    try {
      await client.#ready.promise;
      await client.send("qmp_capabilities", undefined, { timeout });
      return client;
    } catch (error) {
      client.close();
      throw error;
    } finally {
      cancel();
    }
  }

  /**
   * Sends a command and waits for the answer.
   *
   * @param command The name, such as `query-status`.
   * @param args Its arguments.
   * @param options.timeout Seconds until the answer; `null`: no limit. Default:
   * 600.
   *
   * @returns What QEMU returned.
   *
   * @throws {UsageError} if the timeout is not valid.
   * @throws {DOMException} a `TimeoutError` if QEMU does not answer in time.
   * @throws {QmpError} if QEMU answers with an error.
   * @throws {QmpAnswerTooLarge} if the answer is longer than 64 MiB, or is
   * nested more than 1024 deep.
   * @throws {QmpClosed} if the connection ends first.
   */
  async send(
    command: string,
    args?: Record<string, unknown>,
    options: { timeout?: number | null } = {},
  ): Promise<unknown> {
    const { timeout = ANSWER_TIMEOUT } = options;
    checkTimeout(timeout);
    if (this.#closed !== undefined) throw this.#closed;
    const id = `vw${this.#nextId++}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const cancel = after(timeout ?? Infinity, () => {
      this.#pending.delete(id);
      reject(
        late(
          `QEMU has not answered the QMP command ${command} in ${timeout} seconds`,
        ),
      );
    });
    this.#pending.set(id, { command, resolve, reject, cancel });
    const bytes = new TextEncoder().encode(
      JSON.stringify({ execute: command, arguments: args, id }) + "\n",
    );
    this.#writing = this.#writing.then(() => writeAll(this.#stream, bytes))
      .catch((error) => this.#end(`QMP can't be written to: ${error.message}`));
    return await promise;
  }

  /**
   * Calls `listener` for each event from now on. Errors of the listener are
   * reported as uncaught.
   *
   * @returns A function that removes the listener.
   */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Waits for an event that `filter` accepts.
   *
   * @param options.timeout Seconds to wait at most; `null`: no limit. Default:
   * 600.
   * @throws {UsageError} if the timeout is not valid.
   * @throws {DOMException} a `TimeoutError` if they pass first.
   * @throws {QmpClosed} if the connection ends first.
   */
  async waitForEvent(
    filter: (event: QmpEvent) => boolean,
    options: { timeout?: number | null; signal?: AbortSignal } = {},
  ): Promise<QmpEvent> {
    const { timeout = 600, signal } = options;
    checkTimeout(timeout);
    if (this.#closed !== undefined) throw this.#closed;
    return await new Promise((resolve, reject) => {
      const settle = () => {
        stop();
        cancel();
        this.#onClosed.delete(fail);
        signal?.removeEventListener("abort", abort);
      };
      const fail = (error: unknown) => {
        settle();
        reject(error);
      };
      const abort = () => fail(signal?.reason);
      const stop = this.onEvent((event) => {
        try {
          if (!filter(event)) return;
        } catch (error) {
          return fail(error);
        }
        settle();
        resolve(event);
      });
      const cancel = after(timeout ?? Infinity, () =>
        fail(
          new DOMException(
            `No such QMP event came in ${timeout} seconds`,
            "TimeoutError",
          ),
        ));
      this.#onClosed.add(fail);
      if (signal?.aborted) return abort();
      signal?.addEventListener("abort", abort);
    });
  }

  /** Whether the connection is closed, by whichever end. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Closes the connection. Commands that wait for answers fail. */
  close(): void {
    this.#end("The QMP connection was closed");
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(16 * 1024);
    try {
      while (true) {
        const count = await this.#stream.read(buffer);
        if (count === null) break;
        for (const frame of this.#cutter.push(buffer.subarray(0, count))) {
          const event = this.#take(frame);
          if (event === undefined) continue;
          const held = this.#hold?.(event);
          if (held !== undefined) {
            await held;
            if (this.isClosed) return;
          }
          this.#tell(event);
        }
      }
    } catch (error) {
      if (!isClosedError(error)) {
        return this.#end(`QMP can't be read: ${error}`);
      }
    } finally {
      this.#cutter[Symbol.dispose]();
    }
    this.#end("QEMU closed the QMP connection");
  }

  /** Takes a message. Returns the event that it is, if it is one. */
  #take(frame: Frame | FrameError): QmpEvent | undefined {
    if (frame instanceof FrameError) this.#refuse(frame);
    else if (frame.kind === "greeting") this.#ready.resolve();
    else {
      const message = parse(frame.bytes);
      if (frame.kind === "event") return isEvent(message) ? message : undefined;
      this.#answer(message, frame.kind === "error");
    }
  }

  #refuse({ isTooLarge, message }: FrameError): void {
    // The stream goes on at the next message. The oldest command gets the error,
    // because QEMU answers in order, and only answers are this large.
    if (!isTooLarge) return;
    for (const [id, { command, reject }] of this.#pending) {
      this.#settle(id);
      return reject(new QmpAnswerTooLarge(command, message));
    }
  }

  // deno-lint-ignore no-explicit-any
  #answer(message: any, isError: boolean): void {
    const pending = this.#settle(message?.id);
    if (pending === undefined) return;
    if (!isError) return pending.resolve(message.return);
    const { class: errorClass, desc } = message.error ?? {};
    pending.reject(
      new QmpError(
        pending.command,
        typeof errorClass === "string" ? errorClass : "no class",
        typeof desc === "string" ? desc : "no reason",
      ),
    );
  }

  /**
   * Removes a command from those that wait for an answer, if it is one of them.
   */
  #settle(id: unknown): Pending | undefined {
    if (typeof id !== "string") return undefined;
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.cancel();
    return pending;
  }

  #tell(event: QmpEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        // The error is the listener's. QEMU and the other listeners go on.
        reportError(error);
      }
    }
  }

  #end(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = new QmpClosed(reason);
    this.#ready.reject(this.#closed);
    for (const id of [...this.#pending.keys()]) {
      this.#settle(id)?.reject(this.#closed);
    }
    for (const listener of [...this.#onClosed]) listener(this.#closed);
    try {
      this.#stream.close();
    } catch (error) {
      if (!isClosedError(error)) throw error;
    }
  }
}

function late(message: string): DOMException {
  return new DOMException(message, "TimeoutError");
}

/** Whether a message is an event with all members that readers rely on. */
function isEvent(message: unknown): message is QmpEvent {
  if (!isObject(message)) return false;
  const { event, data, timestamp } = message;
  return typeof event === "string" &&
    (data === undefined || isObject(data)) &&
    isObject(timestamp) && typeof timestamp.seconds === "number" &&
    typeof timestamp.microseconds === "number";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// deno-lint-ignore no-explicit-any
function parse(bytes: Uint8Array): any {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
