import { ExpectedError } from "../errors.ts";
import { AsyncLocalStorage } from "node:async_hooks";
import { aboutThisRun } from "./about.ts";
import { Audience } from "./audience.ts";
import {
  type Attributes,
  describeError,
  type Listener,
  type LogLevel,
  type RunEvent,
  type RunEvents,
  type Verdict,
} from "./event.ts";
import {
  addCaller,
  callerPosition,
  noteCall,
  pathOf,
  type Position,
  type StackPlace,
} from "./positions.ts";
import { shortened } from "./shortened.ts";
import { StepPlaces } from "./step_places.ts";

/** A step of the test that has begun. */
export interface Step {
  /** Unique within the run. */
  readonly id: number;
}

/** Characters of a command's output in an event, at most. */
const mostOutput = 256 * 1024;
/** Characters of a message in an event, at most. */
const mostText = 4 * 1024 * 1024;
/** Characters of the text about a failure in an event, at most. */
const mostDetail = 256 * 1024;
/** Characters of a source file in an event, at most. */
const mostSource = 1024 * 1024;

/** Events that are held back. */
export interface Withheld extends Disposable {
  /**
   * Runs a function.
   *
   * @param fn The function. Its events are held back, also those of
   * asynchronous code that it starts.
   */
  run<T>(fn: () => T): T;
  /**
   * Releases all events, with the present time. Later events are not held back.
   */
  tell(): void;
}

/**
 * Holds back the events of some flows of the program until they are wanted, or
 * for good if this is disposed of first.
 */
export let withhold: (log: Log) => Withheld;

interface OpenStep extends Step {
  readonly text: string;
  readonly attributes: Attributes;
  readonly parent: number | undefined;
  readonly began: number;
  readonly subtest: boolean;
  /** Where the author called it, if that is known. */
  call?: Position;
}

/**
 * The one stream of events of a run, and the way to write to it.
 *
 * Steps nest by the flow of the program, also where steps run at the same time:
 * whatever happens inside the function given to {@linkcode Log.nested} belongs to
 * that step, across every `await`.
 *
 * @example
 * ```ts
 * const log = new Log([new TerminalListener()]);
 * await log.nested("prepare", async () => {
 *   log.info("half way");
 * });
 * await log.close();
 * ```
 */
export class Log {
  readonly #audience = new Audience((text) => this.warning(text));
  readonly #places = new StepPlaces((step, place) =>
    this.#tellPlace(step, place)
  );
  readonly #current = new AsyncLocalStorage<Step | undefined>();
  readonly #open = new Map<number, OpenStep>();
  /** Takes the events that are held back in a flow of the program. */
  readonly #withheld = new AsyncLocalStorage<
    { keep?: (event: RunEvent) => void }
  >();
  readonly #date = Date.now();
  readonly #origin = performance.now();
  readonly #unload = () => this.flush();
  /** The files that hold the machines' consoles. */
  readonly #consoles = new Set<string>();
  readonly #name: string | undefined;
  readonly #about = aboutThisRun();
  /** Addresses of the source files whose text was logged. */
  readonly #sources = new Set<string>();
  #nextId = 1;
  #hasFailed = false;
  #closing: Promise<void> | undefined;

  static {
    withhold = (log) => log.#withhold();
  }

  /**
   * Begins the run's log.
   *
   * @param listeners The listeners from the start.
   * @param options.name What runs, for reports, such as the path of the test
   * script. Default: the program's main module, if that is a file.
   */
  constructor(listeners: Listener[] = [], options: { name?: string } = {}) {
    this.#name = options.name ?? mainModule();
    for (const listener of listeners) this.addListener(listener);
    // Deno.exit() from anywhere must not cost a buffered line.
    globalThis.addEventListener("unload", this.#unload);
  }

  /**
   * Adds a listener, which gets all later events.
   *
   * @param listener The listener.
   * @returns An object. When it is disposed of, the listener gets no more
   * events, and the log does not close it.
   */
  addListener(listener: Listener): Disposable {
    this.#audience.add(listener, {
      type: "runBegan",
      time: 0,
      date: this.#date,
      name: this.#name,
      about: this.#about,
    });
    return { [Symbol.dispose]: () => this.#audience.drop(listener) };
  }

  /** Seconds since the run began. */
  get time(): number {
    return (performance.now() - this.#origin) / 1000;
  }

  /** The step that the calling code runs in, if any. */
  get currentStep(): Step | undefined {
    return this.#current.getStore();
  }

  /** The innermost subtest that the calling code runs in, if any. */
  get currentSubtest(): Step | undefined {
    let id = this.currentStep?.id;
    while (id !== undefined) {
      const step = this.#open.get(id);
      if (step === undefined) return undefined;
      if (step.subtest) return { id };
      id = step.parent;
    }
    return undefined;
  }

  /**
   * Logs a message for the search for a fault.
   *
   * @param text One or more lines.
   * @param attributes What it is about.
   */
  debug(text: string, attributes?: Attributes): void {
    this.#message("debug", text, attributes);
  }

  /**
   * Logs a message.
   *
   * @param text One or more lines.
   * @param attributes What it is about.
   */
  info(text: string, attributes?: Attributes): void {
    this.#message("info", text, attributes);
  }

  /**
   * Logs a warning, which the author should look at.
   *
   * @param text One or more lines.
   * @param attributes What it is about.
   */
  warning(text: string, attributes?: Attributes): void {
    this.#message("warning", text, attributes);
  }

  /**
   * Logs an error message.
   *
   * @param text One or more lines.
   * @param attributes What it is about.
   */
  error(text: string, attributes?: Attributes): void {
    this.#message("error", text, attributes);
  }

  /**
   * Logs a message that is shown at every log level.
   *
   * @param text One or more lines.
   * @param attributes What it is about.
   */
  log(text: string, attributes?: Attributes): void {
    this.#message(undefined, text, attributes);
  }

  /**
   * Runs a function as a step.
   *
   * @param text What the step does, "must succeed: true" for example.
   * @param fn The step.
   * @param attributes What it is about.
   * @param role What it is, if it is more than a step of a test.
   * @returns What the function returns.
   * @throws What the function throws; the step then counts as failed.
   */
  nested<T>(
    text: string,
    fn: () => T | Promise<T>,
    attributes?: Attributes,
    role?: RunEvents["stepBegan"]["role"],
  ): Promise<T> {
    return this.#run(this.begin(text, attributes, undefined, role), fn);
  }

  /**
   * Begins a step that does not end with a function. Each step begun must be
   * ended with {@linkcode Log.end}.
   *
   * @param text What the step does.
   * @param attributes What it is about.
   * @param parent The step that encloses it. Default: the one that the caller
   * runs in.
   * @param role What it is, if it is more than a step of a test.
   * @returns The step.
   */
  begin(
    text: string,
    attributes: Attributes = {},
    parent?: Step,
    role?: RunEvents["stepBegan"]["role"],
  ): Step {
    return this.#begin(text, attributes, parent, false, role);
  }

  /**
   * Ends a step. A step that has ended already is left alone.
   *
   * @param step The step.
   * @param error Why it failed, if it did.
   */
  end(step: Step, error?: unknown): void {
    const open = this.#open.get(step.id);
    if (open === undefined) return;
    this.#open.delete(step.id);
    const time = this.time;
    const common = {
      time,
      step: open.parent,
      machine: open.attributes.machine,
      id: open.id,
      duration: time - open.began,
      error: error === undefined ? undefined : describeError(error),
    };
    this.#emit(
      open.subtest ? { type: "subtestEnded", ...common, name: open.text } : {
        type: "stepEnded",
        ...common,
        text: open.text,
        attributes: open.attributes,
      },
    );
  }

  /**
   * Runs a function as a subtest: a step that reports count as a test of its own.
   *
   * @param name The subtest's name.
   * @param fn The subtest.
   * @returns What the function returns.
   * @throws What the function throws; the subtest then counts as failed.
   */
  subtest<T>(name: string, fn: () => T | Promise<T>): Promise<T> {
    return this.#run(this.beginSubtest(name), fn);
  }

  /**
   * Begins a subtest that does not end with a function.
   *
   * @param name The subtest's name.
   * @param parent The step that encloses it. Default: the one that the caller
   * runs in.
   * @returns The subtest, to be ended with {@linkcode Log.endSubtest}.
   */
  beginSubtest(name: string, parent?: Step): Step {
    return this.#begin(name, {}, parent, true);
  }

  /**
   * Ends a subtest.
   *
   * @param step The subtest.
   * @param error Why it failed, if it did.
   */
  endSubtest(step: Step, error?: unknown): void {
    this.end(step, error);
  }

  /**
   * Runs a function so that what it logs belongs to a step that
   * {@linkcode Log.begin} began.
   *
   * @param step The step, or `undefined` for none.
   * @param fn The function.
   * @returns What the function returns.
   */
  within<T>(step: Step | undefined, fn: () => T): T {
    return this.#current.run(step, fn);
  }

  /**
   * Passes on a line that a machine printed on its serial console.
   *
   * @param machine The machine's name.
   * @param text The line, without its end.
   */
  consoleLine(machine: string, text: string): void {
    this.#emit({ type: "consoleLine", time: this.time, machine, text });
  }

  /**
   * Logs the file that holds a machine's serial console.
   *
   * @param machine The machine's name.
   * @param path Path of the file.
   */
  consoleOpened(machine: string, path: string): void {
    this.#consoles.add(path);
    this.#emit({ type: "consoleOpened", time: this.time, machine, path });
  }

  /**
   * Whether a file is one that the run writes itself: a machine's console, or a
   * report.
   *
   * @param path Path of the file.
   * @returns Whether nothing else may write the file.
   */
  writes(path: string): boolean {
    return [...this.#consoles, ...this.#audience.paths].some((own) =>
      isSameFile(own, path)
    );
  }

  /**
   * Logs a screenshot that is on disk.
   *
   * @param machine The machine's name.
   * @param path Path of the image.
   */
  screenshot(machine: string, path: string): void {
    const step = this.currentStep?.id;
    this.#emit({ type: "screenshot", time: this.time, step, machine, path });
  }

  /**
   * Logs a file that was copied out of a machine.
   *
   * @param machine The machine's name.
   * @param path The file's path on the host.
   */
  fileCopied(machine: string, path: string): void {
    const step = this.currentStep?.id;
    this.#emit({ type: "fileCopied", time: this.time, step, machine, path });
  }

  /**
   * Logs that the state of machines was saved.
   *
   * @param machines The machines, as events call them.
   * @param duration Seconds for which they were paused.
   * @param name The author's name for it.
   * @returns The snapshot's id.
   */
  snapshotTaken(
    machines: readonly string[],
    duration: number,
    name?: string,
  ): number {
    const id = this.#nextId++;
    this.#emit({
      type: "snapshotTaken",
      time: this.time,
      step: this.currentStep?.id,
      id,
      ...name === undefined ? {} : { name },
      machines,
      duration,
    });
    return id;
  }

  /**
   * Logs that machines were restored to a snapshot.
   *
   * @param snapshot The snapshot's id.
   * @param machines The machines, as events call them.
   */
  snapshotRestored(snapshot: number, machines: readonly string[]): void {
    const step = this.currentStep?.id;
    this.#emit({
      type: "snapshotRestored",
      time: this.time,
      step,
      snapshot,
      machines,
    });
  }

  /**
   * A unique number for something in the run.
   */
  nextId(): number {
    return this.#nextId++;
  }

  /**
   * Logs that a fork of a snapshot begins.
   *
   * @param id The fork's id, of {@linkcode Log.nextId}.
   * @param snapshot The snapshot's id.
   * @param machines The machines.
   */
  forkBegan(
    id: number,
    snapshot: number,
    machines: RunEvents["forkBegan"]["machines"],
  ): void {
    const step = this.currentStep?.id;
    const time = this.time;
    this.#emit({ type: "forkBegan", time, step, id, snapshot, machines });
  }

  /**
   * Logs that the machines of a fork are gone.
   *
   * @param id The fork's id.
   */
  forkEnded(id: number): void {
    const step = this.currentStep?.id;
    this.#emit({ type: "forkEnded", time: this.time, step, id });
  }

  /**
   * Logs a command of the author in a machine, after its end.
   *
   * @param command The command's facts. The middle of a long output is left
   * out.
   */
  commandEnded(
    command: Omit<RunEvents["commandEnded"], "omitted">,
  ): void {
    const { output } = command;
    const omitted = output.length - mostOutput;
    this.#emit({
      type: "commandEnded",
      time: this.time,
      step: this.currentStep?.id,
      ...command,
      ...omitted > 0 ? { output: shortened(output, mostOutput), omitted } : {},
    });
  }

  /**
   * Logs that a machine's hypervisor runs.
   *
   * @param started The facts about it.
   */
  machineStarted(
    started: RunEvents["machineStarted"],
  ): void {
    this.#emit({ type: "machineStarted", time: this.time, ...started });
  }

  /**
   * Logs a fact.
   *
   * @param name The fact's name. A later value replaces the earlier.
   * @param value The fact's value.
   * @param machine Name of the machine. Default: it concerns the whole run.
   */
  fact(name: string, value: string, machine?: string): void {
    this.#emit({ type: "fact", time: this.time, machine, name, value });
  }

  /**
   * Marks this moment on the timeline.
   *
   * @param kind What it is.
   * @param about What it is about.
   * @param about.machine Name of the machine. Default: it concerns the whole run.
   * @param about.text More, in a few words.
   */
  mark(
    kind: RunEvents["mark"]["kind"],
    about: { machine?: string; text?: string } = {},
  ): void {
    const step = this.currentStep?.id;
    this.#emit({ type: "mark", time: this.time, step, kind, ...about });
  }

  /**
   * Marks an interval on the timeline, from now until the returned object is
   * disposed of.
   *
   * @param kind What it is.
   * @param about What it is about.
   * @param about.machine Name of the machine. Default: it concerns the whole run.
   * @param about.text More, in a few words.
   * @returns An object that ends the interval. A second end does nothing.
   */
  interval(
    kind: RunEvents["intervalBegan"]["kind"],
    about: { machine?: string; text?: string } = {},
  ): Disposable {
    const { machine, text = kind } = about;
    const id = this.#nextId++;
    const step = this.currentStep?.id;
    this.#emit({
      type: "intervalBegan",
      time: this.time,
      step,
      machine,
      id,
      kind,
      text,
    });
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        this.#emit({ type: "intervalEnded", time: this.time, machine, id });
      },
    };
  }

  /** Whether a listener takes commands' output as it comes. */
  get wantsOutput(): boolean {
    return this.#audience.wantsOutput;
  }

  /**
   * Gives the listeners that want it a part of a command's output.
   *
   * @param machine The machine's name.
   * @param text What came.
   */
  output(machine: string, text: string): void {
    this.#audience.output(machine, text);
  }

  /**
   * Logs something to read beside the run.
   *
   * @param name What to call it.
   * @param content Its file, its text or both, and the machine that it is about.
   */
  attachment(
    name: string,
    content: { path?: string; text?: string; machine?: string },
  ): void {
    const step = this.currentStep?.id;
    this.#emit({ type: "attachment", time: this.time, step, name, ...content });
  }

  /**
   * Logs the text of a file of the author's, unless it was logged before.
   *
   * @param url Its address, as places name it.
   * @param name What to call it. Default: its path.
   * @param text The text. Default: the contents of the file.
   */
  sourceFile(url: string, name?: string, text?: string): void {
    if (this.#sources.has(url)) return;
    this.#sources.add(url);
    try {
      this.#emit({
        type: "sourceFile",
        time: this.time,
        url,
        name: name ?? pathOf(url),
        text: shortened(
          text ?? Deno.readTextFileSync(new URL(url)),
          mostSource,
        ),
      });
    } catch {
      // The place is logged without its text.
    }
  }

  /**
   * Runs a function on behalf of the author's code in another process.
   *
   * @param position Where in the author's files that is; `undefined`: unknown.
   * @param fn The function. Steps that it begins get that place.
   * @returns What the function returns.
   */
  at<T>(position: Position | undefined, fn: () => T): T {
    return this.#places.at(position, fn);
  }

  /** Shows console lines on the terminal, which is the default. */
  serialStdoutOn(): void {
    this.#emit({ type: "serialStdout", time: this.time, on: true });
  }

  /** Hides console lines on the terminal. All other logs still get them. */
  serialStdoutOff(): void {
    this.#emit({ type: "serialStdout", time: this.time, on: false });
  }

  /**
   * Makes the terminal and the XML log show messages from another level up,
   * from now on.
   *
   * @param level The lowest level to show.
   */
  setLogLevel(level: LogLevel): void {
    this.#emit({ type: "logLevelSet", time: this.time, level });
  }

  /**
   * Logs how the run ended. Steps that are still open end with it. If the run
   * ends several times, the first end that is not `"passed"` counts.
   *
   * @param verdict How it ended.
   * @param error What ended it, unless it passed.
   * @param detail What to show a person instead of the error's message, such as
   * the script's own lines. The middle of a long text is left out.
   * @param more.position Where in the author's files it ended, if known.
   * @param more.failures The subtests that failed, where the test went on.
   */
  runEnded(
    verdict: Verdict,
    error?: unknown,
    detail?: string,
    more: Pick<RunEvents["runEnded"], "position" | "failures"> = {},
  ): void {
    if (this.#hasFailed) return;
    this.#hasFailed = verdict !== "passed";
    this.#places.settle();
    for (const step of [...this.#open.values()].reverse()) {
      this.end(
        step,
        error ??
          (verdict === "passed" ? undefined : `the run ended: ${verdict}`),
      );
    }
    this.#emit({
      type: "runEnded",
      time: this.time,
      verdict,
      error: error === undefined ? undefined : describeError(error),
      detail: detail && shortened(detail, mostDetail),
      ...more.position && { position: more.position },
      ...more.failures && {
        failures: more.failures.map((failure) => ({
          ...failure,
          detail: shortened(failure.detail, mostDetail),
        })),
      },
    });
  }

  /** Makes every listener write its events so far to disk, synchronously. */
  flush(): void {
    this.#places.settle();
    this.#audience.flush();
  }

  /**
   * Closes every listener. The log drops later events.
   *
   * @returns When all are closed. A second call waits for the first.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** See {@linkcode Log.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#places.settle();
    globalThis.removeEventListener("unload", this.#unload);
    await this.#audience.close();
  }

  #begin(
    text: string,
    attributes: Attributes,
    parent: Step | undefined,
    subtest: boolean,
    role?: RunEvents["stepBegan"]["role"],
  ): Step {
    const id = this.#nextId++;
    const time = this.time;
    const step = (parent ?? this.currentStep)?.id;
    this.#open.set(id, {
      id,
      text,
      attributes,
      parent: step,
      began: time,
      subtest,
    });
    const common = { time, step, machine: attributes.machine, id };
    if (subtest) {
      const position = this.#places.away ?? callerPosition();
      if (position !== undefined) this.sourceFile(position.url);
      this.#emit({ type: "subtestBegan", ...common, name: text, position });
    } else {
      this.#emit({
        type: "stepBegan",
        ...common,
        text,
        attributes,
        ...role === undefined ? {} : { role },
      });
      const hasPlace = role !== "script" || this.#places.away !== undefined;
      if (hasPlace && this.#audience.takesPlaces) this.#places.place(id);
    }
    return { id };
  }

  #tellPlace(id: number, place: StackPlace): void {
    const step = this.#open.get(id);
    const around = this.#open.get(step?.parent ?? -1);
    // The driver began it some time after the author's call.
    const isPart = around?.attributes.machine !== undefined &&
      around.attributes.machine === step?.attributes.machine;
    const call = place.waits
      ? isPart ? around.call : undefined
      : place.position;
    if (step !== undefined) step.call = call;
    const position = call ?? place.position;
    this.sourceFile(position.url);
    this.#emit({ type: "stepPlaced", time: this.time, id, position });
  }

  async #run<T>(step: Step, fn: () => T | Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await this.#current.run(step, fn);
    } catch (error) {
      const isExpected = error instanceof ExpectedError;
      addCaller(error, isExpected);
      if (isExpected) {
        this.#places.settle();
        const call = this.#open.get(step.id)?.call;
        if (call !== undefined) noteCall(error, call);
      }
      this.end(step, error ?? String(error));
      throw error;
    }
    this.end(step);
    return result;
  }

  #message(
    level: LogLevel | undefined,
    text: string,
    attributes: Attributes = {},
  ): void {
    this.#emit({
      type: "message",
      time: this.time,
      step: this.currentStep?.id,
      machine: attributes.machine,
      level,
      text: shortened(String(text), mostText),
      attributes,
    });
  }

  #withhold(): Withheld {
    const events: RunEvent[] = [];
    const flow: { keep?: (event: RunEvent) => void } = {
      keep: (event) => events.push(event),
    };
    return {
      run: (fn) => this.#withheld.run(flow, () => this.within(undefined, fn)),
      tell: () => {
        flow.keep = undefined;
        for (const event of events.splice(0)) {
          this.#audience.emit({ ...event, time: this.time });
        }
      },
      [Symbol.dispose]: () => {
        events.length = 0;
        if (flow.keep !== undefined) flow.keep = () => {};
      },
    };
  }

  #emit(event: RunEvent): void {
    const keep = this.#withheld.getStore()?.keep;
    if (keep === undefined) this.#audience.emit(event);
    else keep(event);
  }
}

function mainModule(): string | undefined {
  const url = Deno.mainModule;
  // Code that was given as text has an address too.
  return url.startsWith("file:") && !/\/\$deno\$[^/]*$/.test(url)
    ? pathOf(url)
    : undefined;
}

function isSameFile(one: string, other: string): boolean {
  try {
    const [a, b] = [Deno.statSync(one), Deno.statSync(other)];
    // Writing to a device destroys nothing.
    return a.isFile && a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false;
  }
}
