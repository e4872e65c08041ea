import {
  isDiverted,
  onDiversion,
  writeStandardError,
} from "./standard_error.ts";

/** Milliseconds between two looks at whether the lines have changed. */
const TICK = 200;
/** Clears the screen from the cursor on: the area lies there. */
const CLEAR = "\r\x1b[J";

/** The area that is shown now, if one is. */
let shown: StatusArea | undefined;

/**
 * Removes the area below the log from the terminal, so that other text can go
 * there.
 */
export function clearStatusArea(): void {
  shown?.clear();
}

/**
 * Whether there is an area below the log that must be cleared before any other
 * output.
 */
export function hasStatusArea(): boolean {
  return shown !== undefined;
}

/**
 * Lines below the log of a terminal that change in place. The cursor stands at
 * their begin, so that other output need only clear what follows.
 */
export class StatusArea implements Disposable {
  readonly #lines: (columns: number) => string[];
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #console = divertConsole();
  readonly #diversion = onDiversion(() => this.clear());
  /** The shown text; nothing while the area is cleared. */
  #text = "";

  /**
   * Shows lines from now on.
   *
   * @param lines Gives them, each no wider than so many columns.
   */
  constructor(lines: (columns: number) => string[]) {
    this.#lines = lines;
    this.#timer = setInterval(() => this.#draw(), TICK);
    Deno.unrefTimer(this.#timer);
    shown = this;
  }

  /** Writes whole lines above the area. */
  write(text: string | Uint8Array): void {
    this.clear();
    writeStandardError(text);
    this.#draw();
  }

  /** Takes the lines off the terminal, until they are drawn again soon. */
  clear(): void {
    if (this.#text === "") return;
    this.#text = "";
    writeStandardError(CLEAR);
  }

  #draw(): void {
    if (isDiverted()) return;
    const { columns, rows } = size();
    const lines = this.#lines(columns - 1).slice(0, Math.max(1, rows - 2));
    const text = lines.join("\n");
    if (text === this.#text) return;
    this.#text = text;
    const up = lines.length > 1 ? `\x1b[${lines.length - 1}A` : "";
    writeStandardError(text === "" ? CLEAR : `${CLEAR}${text}${up}\r`);
  }

  /** Shows nothing any more. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.clear();
    this.#console[Symbol.dispose]();
    this.#diversion[Symbol.dispose]();
    if (shown === this) shown = undefined;
  }
}

const methods = ["log", "info", "debug", "warn", "error"] as const;

/** Makes the console's methods clear the area before they write. */
function divertConsole(): Disposable {
  const before = methods.map((method) => [method, console[method]] as const);
  const own = before.map(([method, was]) => {
    const write = (...values: unknown[]) => {
      clearStatusArea();
      was(...values);
    };
    console[method] = write;
    return [method, was, write] as const;
  });
  return {
    [Symbol.dispose]() {
      for (const [method, was, write] of own) {
        if (console[method] === write) console[method] = was;
      }
    },
  };
}

function size(): { columns: number; rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    if (columns > 0 && rows > 0) return { columns, rows };
  } catch {
    // Only standard error is a terminal.
  }
  return { columns: 80, rows: 24 };
}
