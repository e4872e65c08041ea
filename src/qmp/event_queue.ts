import type { QmpClient, QmpEvent } from "./client.ts";

/** How many events the queue keeps; it drops the oldest first. */
const KEPT = 1000;

/**
 * The events of a QMP session that nobody has taken yet. QEMU sends the events
 * of a command before the command's answer, so a caller that then waits for
 * them would be too late.
 */
export class QmpEventQueue {
  readonly #client: QmpClient;
  #events: QmpEvent[] = [];

  /** Keeps the events of `client` from now on. */
  constructor(client: QmpClient) {
    this.#client = client;
    client.onEvent((event) => {
      if (isOurOwn(event)) return;
      this.#events.push(event);
      if (this.#events.length > KEPT) this.#events.shift();
    });
  }

  /**
   * Takes the first event that `filter` accepts: one that came since the last
   * one taken, or the next. It drops the events before that.
   *
   * @param options.timeout Seconds to wait at most; `null`: no limit. Default:
   * 600.
   * @throws {UsageError} if the timeout is not valid.
   * @throws {DOMException} a `TimeoutError` if they pass first.
   * @throws {QmpClosed} if the connection ends first.
   */
  async take(
    filter: (event: QmpEvent) => boolean,
    options: { timeout?: number | null; signal?: AbortSignal } = {},
  ): Promise<QmpEvent> {
    const event = this.#events.find(filter) ??
      await this.#client.waitForEvent(
        (event) => !isOurOwn(event) && filter(event),
        options,
      );
    this.#events.splice(0, this.#events.indexOf(event) + 1);
    return event;
  }
}

/**
 * Whether an event is about one of the driver's own ports, which authors do not
 * know.
 */
function isOurOwn({ event, data }: QmpEvent): boolean {
  return event === "VSERPORT_CHANGE" && typeof data?.id === "string" &&
    data.id.startsWith("vw-");
}
