import { type Frame, FrameCutter, FrameError } from "../scan/mod.ts";
import { type ByteStream, isClosedError, writeAll } from "../stream/mod.ts";
import { after, checkTimeout } from "../time/mod.ts";

/** An asynchronous event of QEMU. */
export interface QmpEvent {
  /** The event's name, such as `SHUTDOWN`. */
  event: string;
  /** What belongs to it. */
  data?: Record<string, unknown>;
  /** When it happened, by QEMU's clock. */
  timestamp: { seconds: number; microseconds: number };
}

/** An error that QEMU answered to a command. */
export class QmpError extends Error {
  /** QEMU's class of the error, such as `GenericError`. */
  readonly errorClass: string;

  /** Takes the command's name, and the class and description QEMU gave. */
  constructor(command: string, errorClass: string, description: string) {
    super(`QMP command ${command} failed: ${description} (${errorClass})`);
    this.name = "QmpError";
    this.errorClass = errorClass;
  }
}

/** The QMP connection ended, or said what no QMP server says. */
export class QmpClosed extends Error {
  /** Takes the reason as one sentence. */
  constructor(reason: string) {
    super(reason);
    this.name = "QmpClosed";
  }
}

interface Pending {
  command: string;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * A client of the QEMU Machine Protocol: commands with their answers in any
 * number at once, and events.
 *
 * See https://www.qemu.org/docs/master/interop/qmp-spec.html
 */
export class QmpClient implements Disposable {
  readonly #stream: ByteStream;
  readonly #cutter = new FrameCutter();
  readonly #pending = new Map<string, Pending>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  readonly #onClosed = new Set<(error: QmpClosed) => void>();
  readonly #ready = Promise.withResolvers<void>();
  #nextId = 0;
  #closed?: QmpClosed;
  #writing: Promise<void> = Promise.resolve();

  private constructor(stream: ByteStream) {
    this.#stream = stream;
    this.#ready.promise.catch(() => {});
    this.#read();
  }

  /**
   * Talks to a QMP server over `stream`: waits for its greeting and leaves
   * the negotiation mode.
   *
   * @throws {QmpClosed} where the stream ends first.
   */
  static async connect(stream: ByteStream): Promise<QmpClient> {
    const client = new QmpClient(stream);
    await client.#ready.promise;
    await client.send("qmp_capabilities");
    return client;
  }

  /**
   * Sends a command and answers what QEMU returned.
   *
   * @param command The name, such as `query-status`.
   * @param args Its arguments.
   * @throws {QmpError} where QEMU answers with an error.
   * @throws {QmpClosed} where the connection ends first.
   */
  send(command: string, args?: Record<string, unknown>): Promise<unknown> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const id = `vw${this.#nextId++}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, { command, resolve, reject });
    const bytes = new TextEncoder().encode(
      JSON.stringify({ execute: command, arguments: args, id }) + "\n",
    );
    this.#writing = this.#writing.then(() => writeAll(this.#stream, bytes))
      .catch((error) => this.#end(`QMP can't be written to: ${error.message}`));
    return promise;
  }

  /**
   * Calls `listener` for each event from now on; answers how to stop that. What
   * it throws is reported as an uncaught error.
   */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Waits for an event that `filter` accepts.
   *
   * @param timeout Seconds to wait at most; 600 by default.
   * @throws {UsageError} for a timeout that is none.
   * @throws {DOMException} a `TimeoutError` when they have passed.
   * @throws {QmpClosed} where the connection ends first.
   */
  async waitForEvent(
    filter: (event: QmpEvent) => boolean,
    options: { timeout?: number; signal?: AbortSignal } = {},
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
      const cancel = after(timeout, () =>
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

  /** Closes the connection; what waits for answers fails. */
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
          this.#take(frame);
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

  #take(frame: Frame | FrameError): void {
    // The stream recovers at the next message; a lost answer shows by its id.
    if (frame instanceof FrameError) return;
    if (frame.kind === "greeting") return this.#ready.resolve();
    const message = parse(frame.bytes);
    if (message === undefined) return;
    if (frame.kind === "event") return this.#tell(message as QmpEvent);
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    this.#pending.delete(message.id);
    if (frame.kind === "return") return pending.resolve(message.return);
    const { class: errorClass = "no class", desc = "no reason" } =
      message.error ?? {};
    pending.reject(new QmpError(pending.command, errorClass, desc));
  }

  #tell(event: QmpEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        // The listener's fault, and neither QEMU's nor the other listeners'.
        reportError(error);
      }
    }
  }

  #end(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = new QmpClosed(reason);
    this.#ready.reject(this.#closed);
    for (const { reject } of this.#pending.values()) reject(this.#closed);
    this.#pending.clear();
    for (const listener of [...this.#onClosed]) listener(this.#closed);
    try {
      this.#stream.close();
    } catch (error) {
      if (!isClosedError(error)) throw error;
    }
  }
}

// deno-lint-ignore no-explicit-any
function parse(bytes: Uint8Array): any {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
