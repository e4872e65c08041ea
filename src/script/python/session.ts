import { AsyncLocalStorage } from "node:async_hooks";
import { Supervisor } from "../../backend/mod.ts";
import { shellQuote } from "../../shell/mod.ts";
import type { Driver } from "../../driver/mod.ts";
import { temporaryBase } from "../../driver/temporary.ts";
import { UsageError } from "../../errors.ts";
import { hasStatusArea } from "../../report/status_area.ts";
import { ScriptExit } from "../script_exit.ts";
import type { Script } from "../script.ts";
import { within } from "../../time/mod.ts";
import { noteTraceback, tracebackOf } from "../traceback.ts";
import { Bridge } from "./bridge.ts";
import { Channel } from "./channel.ts";
import { CrossedErrors, type ExceptionReport, PythonError } from "./errors.ts";
import type { Done, Failure, Received, Request, Stop } from "./messages.ts";
import { StateLinks } from "./state_links.ts";
import { sources } from "./sources.ts";

/**
 * Bytes of the longest path of a UNIX socket on Linux, without the final NUL;
 * see unix(7).
 */
const LONGEST_SOCKET_PATH = 107;
/** Seconds in which Python has to end by itself. */
const PATIENCE = 10;
/** Seconds in which Python has to tell where the script is. */
const PLACE_PATIENCE = 2;
/** The exit statuses of a shell that can't run a program. */
const NOT_RUN = [126, 127];

/** The oldest Python that can run scripts. */
const OLDEST = [3, 9];

/**
 * The first code that Python runs: it runs the package, without leaving files.
 */
const BOOTSTRAP = [
  "import sys",
  "sys.path.insert(0, sys.argv.pop(1))",
  "before, sys.dont_write_bytecode = sys.dont_write_bytecode, True",
  "if sys.version_info < (3, 9):",
  "    sys.exit('vmwright: expected Python 3.9 or newer, '",
  "             'got ' + sys.version.split()[0])",
  "from test_driver._runner import main",
  "sys.dont_write_bytecode = before",
  "main()",
].join("\n");

/**
 * Asks for a line at the prompt; `undefined` when there are no more. Throws
 * `Interrupted` for Ctrl-C.
 */
export type AskForLine = (prompt: string) => Promise<string | undefined>;

/** A prompt at a place in the script. */
export interface PythonPrompt {
  /**
   * Runs a line in Python. Its output goes to the terminal.
   *
   * @returns Whether the statement goes on in the next line.
   */
  push(line: string): Promise<boolean>;
  /**
   * The same, for a person who does not see that terminal.
   *
   * @returns Whether the statement goes on in the next line, and the output.
   */
  pushCaptured(line: string): Promise<[goesOn: boolean, printed: string]>;
  /** Drops the lines of a statement that has not ended. */
  reset(): Promise<void>;
  /** The completions of a name or an attribute. */
  complete(text: string): Promise<string[]>;
  /**
   * Lets `input()` in run lines ask for lines, until the returned object is
   * disposed.
   */
  takeInput(ask: AskForLine): Disposable;
}

/** The place at which a script has stopped. */
export interface Breakpoint {
  /** The script's file. */
  readonly file: string;
  /** The line, from 1 up. */
  readonly line: number;
  /** The address that the script wants in a build sandbox. */
  readonly address: { hostname: string; port: number };
  /** Runs lines with the names of that place. */
  readonly prompt: PythonPrompt;
}

/** Options of {@linkcode PythonSession.bind}. */
export interface BindOptions {
  /** Whether there is a prompt, and no script runs by itself. */
  interactive?: boolean;
  /**
   * The action of `debug.breakpoint()`; if it is absent, that of the driver.
   */
  onBreakpoint?: (breakpoint: Breakpoint) => void | Promise<void>;
  /** Called when the script has failed, before it ends. */
  onFailure?: (error: Error, place: Breakpoint) => void | Promise<void>;
}

interface Task {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  /**
   * Runs requests of the task in the async context of the code that gave the
   * task.
   */
  readonly within: <T>(fn: () => T) => T;
}

/**
 * A `python3` that runs a test script. The script sees the names of NixOS
 * tests; a private socket passes their work to the driver.
 */
export class PythonSession implements AsyncDisposable {
  readonly #script: Script;
  readonly #supervisor = new Supervisor();
  readonly #directory: string;
  readonly #process: Deno.ChildProcess;
  readonly #listener: Deno.Listener;
  readonly #errors = new CrossedErrors();
  readonly #tasks = new Map<number, Task>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<never>();
  #channel?: Channel;
  #bridge?: Bridge;
  #driver?: Driver;
  #options: BindOptions = {};
  #askForLine?: AskForLine;
  /** The request in which Python's main thread waits for tasks. */
  #idle = 0;
  #lastTask = 0;
  #disposed?: Promise<void>;

  /** Starts Python, without waiting for it. */
  constructor(script: Script) {
    this.#script = script;
    this.#ready.promise.catch(() => {});
    this.#ended.promise.catch(() => {});
    const directory = this.#directory = makeDirectory(this.#supervisor);
    Deno.mkdirSync(`${directory}/test_driver/machine`, {
      recursive: true,
      mode: 0o700,
    });
    for (const [name, text] of Object.entries(sources)) {
      Deno.writeTextFileSync(`${directory}/test_driver/${name}`, text);
    }
    const path = `${directory}/socket`;
    this.#listener = Deno.listen({ transport: "unix", path });
    Deno.chmodSync(path, 0o600);
    const args = [
      "-c",
      BOOTSTRAP,
      directory,
      path,
      this.#name,
      this.#moduleDirectory,
    ];
    this.#process = this.#supervisor.spawn(
      // The shell's own message about a missing program would not help.
      `command -v python3 > /dev/null || exit 127; exec python3 ${
        args.map(shellQuote).join(" ")
      }`,
      { stdio: "inherit" },
    );
    this.#process.status.then((status) => this.#onExit(status));
    this.#accept();
  }

  /**
   * Gives Python the driver's machines and networks.
   *
   * @throws {UsageError} if there is no `python3`, or if it is too old.
   */
  async bind(driver: Driver, options: BindOptions = {}): Promise<void> {
    this.#driver = driver;
    this.#options = options;
    const script = { name: this.#name, text: this.#text() };
    const { interactive = false } = options;
    this.#bridge = new Bridge(
      driver,
      this.#errors,
      new StateLinks(script.text, this.#supervisor),
      this.#directory,
      (condition) => this.#perform("check", [condition], { check: true }),
    );
    const thread = await this.#mainThread();
    const stopsAtFailure = options.onFailure !== undefined;
    const facts = {
      ...this.#bridge.facts(),
      script,
      interactive,
      isLive: hasStatusArea(),
      stopsAtFailure,
    };
    await this.#perform("bind", [facts], { thread });
  }

  /**
   * Runs the script.
   *
   * @throws The script's exception: errors of the driver themselves, others as
   * `PythonError`. {@linkcode tracebackOf} has the traceback.
   * @throws {ScriptExit} if it exits with a status other than zero.
   */
  async run(): Promise<void> {
    const thread = await this.#mainThread();
    const step = this.#driver?.log.currentStep?.id ?? null;
    const outcome = await this.#perform("run", [step], { thread }) as
      | { error: ExceptionReport }
      | Failure
      | null;
    if (outcome === null || outcome.error.exit === 0) return;
    if ("traceback" in outcome) throw this.#failureOf(outcome);
    throw this.#errors.endFromPython(outcome.error);
  }

  #failureOf({ error: report, traceback }: Failure): Error {
    const error = this.#errors.fromPython(report);
    if (error instanceof PythonError) error.stack = traceback;
    // The error that ended the run has its place already, and a better name.
    if (tracebackOf(error) === undefined) noteTraceback(error, traceback);
    return error;
  }

  /**
   * Finds where the script is, and notes that place for the error that ends it.
   *
   * @param error The error that ends the script.
   */
  async locate(error: Error): Promise<void> {
    const channel = this.#channel;
    if (channel === undefined || this.#bridge === undefined) return;
    const frames = await within(
      PLACE_PATIENCE,
      this.#perform("where", [], {}).catch(() => ""),
    ) as string | undefined;
    if (!frames) return;
    noteTraceback(
      error,
      `Traceback (most recent call last):\n${frames}${error.name}: ${error.message}`,
    );
  }

  /** Runs lines with the script's names, while the script does not run. */
  get prompt(): PythonPrompt {
    return this.#prompt(() => this.#mainThread());
  }

  /** Interrupts Python, as Ctrl-C does at a terminal. */
  interrupt(): void {
    this.#supervisor.kill(this.#process, "SIGINT");
  }

  /** Ends Python in order, and waits for that a short time. */
  async end(): Promise<void> {
    const thread = await this.#mainThread();
    this.#channel?.send({ id: thread, value: null });
    await within(PATIENCE, this.#process.status);
  }

  /** Ends Python and its children at once. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#disposed ??= (async () => {
      this.#supervisor.killNow();
      await this.#process.status;
      this.#bridge?.[Symbol.dispose]();
      this.#channel?.[Symbol.dispose]();
      this.#closeListener();
      await this.#supervisor[Symbol.asyncDispose]();
    })();
  }

  get #name(): string {
    return this.#script.path ?? "<string>";
  }

  /** The directory of the script's own modules. */
  get #moduleDirectory(): string {
    const { path } = this.#script;
    if (path === undefined || !path.endsWith(".py")) return "";
    return new URL(".", this.#script.url).pathname.replace(/(.)\/$/, "$1");
  }

  #text(): string {
    return this.#script.readText().replace(/^\ufeff/, "");
  }

  async #accept(): Promise<void> {
    let connection: Deno.Conn;
    try {
      connection = await this.#listener.accept();
    } catch {
      // The listener is closed: Python has not connected.
      return;
    }
    this.#closeListener();
    const channel = this.#channel = new Channel(connection);
    for await (const message of channel) this.#take(message);
  }

  #closeListener(): void {
    try {
      this.#listener.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  #take(message: Received): void {
    if ("done" in message) {
      this.#finish(message);
    } else if (message.do === "session") {
      // A new request replaces the old one, if an interruption came between two
      // tasks.
      this.#idle = message.id;
      this.#ready.resolve();
    } else {
      this.#answer(message);
    }
  }

  #finish(message: Done): void {
    const task = this.#tasks.get(message.done);
    this.#tasks.delete(message.done);
    if (message.error !== undefined) {
      task?.reject(this.#errors.fromPython(message.error));
    } else if (message.exit !== undefined) {
      task?.reject(new ScriptExit(message.exit));
    } else if (message.gone) {
      task?.reject(new PythonError("KeyboardInterrupt", ""));
    } else {
      task?.resolve(message.value ?? null);
    }
  }

  async #answer(request: Exclude<Request, { do: "session" }>): Promise<void> {
    const { id, step, check, environment, line } = request;
    const { url } = this.#script;
    const answer = line == null
      ? () => this.#do(request)
      : () =>
        this.#driver!.log.at(
          { url, line, column: 1 },
          () => this.#do(request),
        );
    const inStep = step === null
      ? answer
      : () => this.#driver!.log.within({ id: step }, answer);
    const task = check === undefined ? undefined : this.#tasks.get(check);
    try {
      if (environment !== undefined) this.#bridge!.setEnvironment(environment);
      const value = await (task === undefined ? inStep() : task.within(inStep));
      this.#channel?.send({ id, value: value ?? null });
    } catch (error) {
      this.#channel?.send({ id, error: this.#errors.toPython(error) });
    }
  }

  async #do(request: Exclude<Request, { do: "session" }>): Promise<unknown> {
    switch (request.do) {
      case "breakpoint":
        return await this.#stop(request);
      case "failed":
        return await this.#options.onFailure?.(
          this.#failureOf(request.failure),
          this.#placeOf(request),
        );
      case "input":
        return await this.#askForLine!(request.prompt);
      default:
        return await this.#bridge!.handle(request);
    }
  }

  async #stop(request: Stop & { id: number }): Promise<void> {
    if (this.#options.onBreakpoint === undefined) {
      return await this.#driver!.debug.breakpoint();
    }
    await this.#options.onBreakpoint(this.#placeOf(request));
  }

  #placeOf({ id, file, line, host, port }: Stop & { id: number }): Breakpoint {
    return {
      file,
      line,
      address: { hostname: host, port },
      prompt: this.#prompt(() => Promise.resolve(id)),
    };
  }

  async #mainThread(): Promise<number> {
    await this.#ready.promise;
    return this.#idle;
  }

  #prompt(asking: () => Promise<number>): PythonPrompt {
    const perform = async (what: string, ...args: string[]) =>
      await this.#perform(what, args, { thread: await asking() });
    return {
      push: async (line) => await perform("push", line) as boolean,
      pushCaptured: async (line) =>
        await perform("pushCaptured", line) as [boolean, string],
      reset: async () => void await perform("reset"),
      complete: async (text) => await perform("complete", text) as string[],
      takeInput: (ask) => {
        const before = this.#askForLine;
        this.#askForLine = ask;
        return {
          [Symbol.dispose]: () => void (this.#askForLine = before),
        };
      },
    };
  }

  /**
   * Gives Python a task, for the thread that waits for the answer to request
   * `thread`, or for a new thread.
   */
  #perform(
    what: string,
    args: unknown[],
    options: { thread?: number; check?: boolean },
  ): Promise<unknown> {
    const task = ++this.#lastTask;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#tasks.set(task, {
      resolve,
      reject,
      within: AsyncLocalStorage.snapshot(),
    });
    this.#channel!.send({
      id: options.thread ?? null,
      task,
      do: what,
      args,
      check: options.check ?? false,
    });
    return Promise.race([promise, this.#ended.promise]);
  }

  #onExit(status: Deno.CommandStatus): void {
    this.#closeListener();
    const error = this.#channel === undefined && NOT_RUN.includes(status.code)
      ? new UsageError(
        `${this.#name} is written in Python, but there is no python3 on PATH`,
      )
      : this.#channel === undefined
      ? new UsageError(
        `${this.#name} is written in Python, but python3 (${
          OLDEST.join(".")
        } or newer is needed) ended with ${how(status)} before it could run it`,
      )
      : new PythonError(
        "PythonEnded",
        `python3 ended with ${how(status)} before the script was done`,
      );
    // Nothing more is known, and this place in the code does not matter.
    noteTraceback(error, error.message);
    this.#ready.reject(error);
    this.#ended.reject(error);
  }
}

function how({ signal, code }: Deno.CommandStatus): string {
  return signal === null ? `status ${code}` : signal;
}

function makeDirectory(supervisor: Supervisor): string {
  const base = temporaryBase();
  const prefix = "vmwright-python-";
  const name = `${prefix}12345678901234567890/socket`;
  const fits = new TextEncoder().encode(`${base}/${name}`).length <=
    LONGEST_SOCKET_PATH;
  return supervisor.makeDirectory(fits ? base : "/tmp", prefix);
}
