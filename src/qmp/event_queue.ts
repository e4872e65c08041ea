import type { QmpClient, QmpEvent } from "./client.ts";

/** Events that are kept; the oldest go first. */
const KEPT = 1000;

/**
 * The events of a QMP session that nobody has taken yet: QEMU tells of what a
 * command does before it answers, so whoever waits for that comes too late.
 */
export class QmpEventQueue {
  readonly #client: QmpClient;
  #events: QmpEvent[] = [];

  /** Keeps what `client` hears from now on. */
  constructor(client: QmpClient) {
    this.#client = client;
    client.onEvent((event) => {
      if (isOurOwn(event)) return;
      this.#events.push(event);
      if (this.#events.length > KEPT) this.#events.shift();
    });
  }

  /**
   * Takes the first event that `filter` accepts, of those that came since the
   * last one that was taken, or else that come; those before it are forgotten.
   *
   * @param options.timeout Seconds to wait at most; 600 by default, `null` for
   * no limit.
   * @throws {UsageError} for a timeout that is none.
   * @throws {DOMException} a `TimeoutError` when they have passed.
   * @throws {QmpClosed} where the connection ends first.
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

/** Whether an event is about the driver's own ports, of which authors know nothing. */
function isOurOwn({ event, data }: QmpEvent): boolean {
  return event === "VSERPORT_CHANGE" && typeof data?.id === "string" &&
    data.id.startsWith("vw-");
}
