import type { Machine } from "../../machine/mod.ts";
import type { QmpClient, QmpEvent } from "../../qmp/mod.ts";

/**
 * A machine's QMP events since its start that nobody has taken yet: Python
 * scripts ask for events that may have come before they ask.
 */
export class QmpEvents implements Disposable {
  readonly #machine: Machine;
  #client?: QmpClient;
  #stop?: () => void;
  #queue: QmpEvent[] = [];

  /** Takes the machine. */
  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Whether the machine was started. */
  get ready(): boolean {
    this.listen();
    return this.#client !== undefined;
  }

  /** Listens to the machine's QMP session, if it has a new one. */
  listen(): void {
    if (!this.#machine.booted) return;
    const client = this.#machine.qmpClient;
    if (client === this.#client) return;
    this.#stop?.();
    this.#client = client;
    this.#queue = [];
    this.#stop = client.onEvent((event) => {
      if (!isOurOwn(event)) this.#queue.push(event);
    });
  }

  /**
   * The next event, or nothing if none comes in time.
   *
   * @param timeout Seconds; no limit without.
   */
  async next(timeout?: number): Promise<QmpEvent | undefined> {
    this.listen();
    const end = performance.now() + (timeout ?? Infinity) * 1000;
    while (this.#queue.length === 0) {
      const left = (end - performance.now()) / 1000;
      if (left <= 0) return;
      try {
        await this.#machine.waitForQmpEvent((event) => !isOurOwn(event), {
          timeout: Math.min(left, 2 ** 31 / 1000 - 1),
        });
      } catch (error) {
        if (error instanceof Error && error.name === "TimeoutError") return;
        if (this.#queue.length > 0) break;
        throw error;
      }
    }
    return this.#queue.shift();
  }

  /** Listens no longer. */
  [Symbol.dispose](): void {
    this.#stop?.();
  }
}

/** Whether an event is about the driver's own ports, of which authors know nothing. */
function isOurOwn({ event, data }: QmpEvent): boolean {
  return event === "VSERPORT_CHANGE" && String(data?.id).startsWith("vw-");
}
