import { cut } from "../report/columns.ts";
import { ciOf, guardedHere } from "../report/mod.ts";
import { StatusArea } from "../report/status_area.ts";
import { writeStandardError } from "../report/standard_error.ts";
import { harmless } from "../scan/mod.ts";
import {
  isBad,
  type SuiteTestResult,
  type TestVerdict,
  titleOf,
} from "./results.ts";
import { reasonOf } from "./outcome.ts";
import { seconds, titleOfReason } from "./reason.ts";
import { shownSize } from "./size.ts";

const colours: Readonly<Record<TestVerdict, number>> = {
  passed: 32,
  flaky: 33,
  skipped: 2,
  unfinished: 33,
  failed: 31,
  timeout: 31,
  crashed: 31,
};

/** What the board shows beside the tests. */
export interface BoardState {
  /** How many tests have not begun. */
  readonly waiting: number;
  /** Bytes of memory that the running tests may take. */
  readonly memory: number;
}

/**
 * Tells a person how a suite gets on: on a terminal by lines that change in
 * place, elsewhere by a line for each test that is over.
 */
export class Board implements Disposable {
  readonly #running = new Map<string, number>();
  readonly #area: StatusArea | undefined;
  readonly #colour = !Deno.noColor && Deno.stderr.isTerminal();
  readonly #count: number;
  readonly #budget: number;
  readonly #state: () => BoardState;
  #over = 0;
  #bad = 0;

  /**
   * @param options.count How many tests there are.
   * @param options.memory Bytes of memory that they have together.
   * @param options.state Gets the present state.
   */
  constructor(
    { count, memory, state }: {
      count: number;
      memory: number;
      state: () => BoardState;
    },
  ) {
    this.#count = count;
    this.#budget = memory;
    this.#state = state;
    const isLive = ciOf(Deno.env) === undefined && Deno.stderr.isTerminal() &&
      Deno.env.get("TERM") !== "dumb";
    if (isLive) this.#area = new StatusArea((width) => this.#lines(width));
  }

  /** An attempt at a test begins. */
  began(title: string): void {
    this.#running.set(title, performance.now());
  }

  /** A test is over. */
  ended(test: SuiteTestResult, directory: string): void {
    const title = titleOf(test);
    this.#running.delete(title);
    this.#over++;
    if (isBad(test.verdict)) this.#bad++;
    const { verdict, attempts } = test;
    const again = attempts.length > 1 ? `, ${attempts.length} attempts` : "";
    const why = verdict === "passed" || verdict === "flaky"
      ? ""
      : `: ${titleOfReason(reasonOf(test) ?? "")}`;
    const where = isBad(verdict) ? pageOf(test, directory) : undefined;
    this.#say(
      `${this.#painted(verdict, verdict.padEnd(10))} ${title} ${
        attempts.length === 0 ? "" : `(${seconds(test.duration)}${again}) `
      }[${this.#over}/${this.#count}]${why}\n${
        where === undefined ? "" : `${" ".repeat(11)}${where}\n`
      }`,
    );
  }

  /** Says something above the lines that change. */
  note(text: string): void {
    this.#say(`${text}\n`);
  }

  /** Shows nothing any more. */
  [Symbol.dispose](): void {
    this.#area?.[Symbol.dispose]();
  }

  #say(text: string): void {
    if (this.#area !== undefined) this.#area.write(text);
    else writeStandardError(guardedHere(text));
  }

  #painted(verdict: TestVerdict, text: string): string {
    return this.#colour ? `\x1b[${colours[verdict]}m${text}\x1b[0m` : text;
  }

  #lines(width: number): string[] {
    const { waiting, memory } = this.#state();
    const now = performance.now();
    const running = [...this.#running].map(([title, since]) =>
      `  ${seconds((now - since) / 1000).padStart(8)}  ${title}`
    );
    const sum = `${this.#over} of ${this.#count} over${
      this.#bad === 0 ? "" : `, ${this.#bad} not passed`
    }; ${running.length} running, ${waiting} waiting; memory ${
      shownSize(memory)
    } of ${shownSize(this.#budget)}`;
    return [...running, sum].map((line) => cut(harmless(line), width));
  }
}

function pageOf(
  { attempts }: SuiteTestResult,
  directory: string,
): string | undefined {
  const own = attempts.at(-1)?.directory;
  return own === undefined ? undefined : `${directory}/${own}/report.html`;
}
