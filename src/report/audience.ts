import { describeError, type Listener, type RunEvent } from "./event.ts";

/**
 * The listeners of a log. A listener that throws gets no more events, and the
 * run goes on.
 */
export class Audience {
  readonly #listeners: Listener[] = [];
  readonly #onLoss: (text: string) => void;

  /**
   * Begins with no listeners.
   *
   * @param onLoss Gets a warning for the other listeners when a listener has
   * thrown.
   */
  constructor(onLoss: (text: string) => void) {
    this.#onLoss = onLoss;
  }

  /** Adds a listener, and gives it the event of the run's begin. */
  add(listener: Listener, began: RunEvent): void {
    this.#listeners.push(listener);
    this.#tell(listener, began);
  }

  /** Drops a listener. */
  drop(listener: Listener): void {
    const at = this.#listeners.indexOf(listener);
    if (at >= 0) this.#listeners.splice(at, 1);
  }

  /** The files that the listeners write. */
  get paths(): string[] {
    return this.#listeners.flatMap(({ path }) => path ?? []);
  }

  /** Whether a listener takes where steps begin. */
  get takesPlaces(): boolean {
    return this.#listeners.some(({ takesPlaces = true }) => takesPlaces);
  }

  /** Whether a listener takes commands' output as it comes. */
  get wantsOutput(): boolean {
    return this.#listeners.some(({ onOutput }) => onOutput !== undefined);
  }

  /** Gives all listeners an event. */
  emit(event: RunEvent): void {
    // A listener may drop out on the way, so never iterate over the live array.
    for (let i = 0; i < this.#listeners.length;) {
      const listener = this.#listeners[i];
      this.#tell(listener, event);
      if (this.#listeners[i] === listener) i++;
    }
  }

  /** Gives the listeners that want it a part of a command's output. */
  output(machine: string, text: string): void {
    for (const listener of [...this.#listeners]) {
      this.#guard(listener, () => listener.onOutput?.(machine, text));
    }
  }

  /** Makes every listener write its events so far to disk, synchronously. */
  flush(): void {
    for (const listener of [...this.#listeners]) {
      this.#guard(listener, () => listener.flush?.());
    }
  }

  /** Closes and drops every listener. */
  async close(): Promise<void> {
    const listeners = [...this.#listeners];
    const closed = listeners.map(async (listener) => await listener.close?.());
    this.#listeners.length = 0;
    for (const [at, result] of (await Promise.allSettled(closed)).entries()) {
      if (result.status === "rejected") {
        this.#complain(listeners[at], result.reason);
      }
    }
  }

  /** This allocates nothing, because there are many lines of consoles. */
  #tell(listener: Listener, event: RunEvent): void {
    try {
      listener.on(event);
    } catch (error) {
      this.#dismiss(listener, error);
    }
  }

  #guard(listener: Listener, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#dismiss(listener, error);
    }
  }

  #dismiss(listener: Listener, error: unknown): void {
    this.drop(listener);
    this.#complain(listener, error);
  }

  #complain({ path }: Listener, error: unknown): void {
    const what = path === undefined
      ? "part of the log is lost from here on"
      : `nothing more is written to ${path}`;
    const text = `${what}: ${describeError(error).message}`;
    if (this.#listeners.length > 0) this.#onLoss(text);
    else console.error(text);
  }
}
