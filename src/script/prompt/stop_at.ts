import { Supervisor } from "../../backend/mod.ts";
import type { Driver } from "../../driver/mod.ts";
import { Terminal } from "../../terminal/mod.ts";
import { bindGlobals } from "../globals.ts";
import type { Breakpoint } from "../python/session.ts";
import { divertConsole } from "./console.ts";
import type { Evaluator } from "./evaluator.ts";
import { helpBeside } from "./help.ts";
import { JavaScriptEvaluator } from "./javascript.ts";
import type { LineReader } from "./line_reader.ts";
import { openReader } from "./open_reader.ts";
import { talk } from "./prompt.ts";
import { PythonEvaluator } from "./python.ts";
import { StreamReader } from "./stream_reader.ts";

/** Options of {@linkcode stopAt}. */
export interface StopOptions {
  /** The script's driver. */
  driver: Driver;
  /** More names for the prompt, beside those that scripts see. */
  names?: Record<string, unknown>;
  /** The place at which a script in Python has stopped. */
  python?: Breakpoint;
  /** Interrupts Python. */
  interrupt?: () => void;
  /**
   * Whether the script has failed there, so that it does not go on.
   *
   * @default {false}
   */
  hasFailed?: boolean;
  /** The program that attaches to a process in a build sandbox. */
  attach?: string;
}

/**
 * The address of the prompt in a build sandbox, unless the script names
 * another.
 */
const SANDBOX_ADDRESS = { hostname: "127.0.0.1", port: 4444 };

/** What a prompt tells of the place where it opens. */
interface Stop {
  /** Why the script has stopped, and where. */
  readonly at: string;
  /** What follows the prompt's end. */
  readonly next: string;
}

/**
 * Opens a prompt at the place where a script has stopped. The script goes on
 * when the prompt ends.
 */
export async function stopAt(options: StopOptions): Promise<void> {
  const { driver, python, interrupt = () => {}, hasFailed = false } = options;
  const what = hasFailed ? "failure" : "breakpoint";
  if (options.attach === undefined && !Terminal.present) {
    driver.log.info(`passed a ${what} without a stop: there is no terminal`);
    return;
  }
  const where = python === undefined ? "" : ` ${python.file}:${python.line}`;
  const stop: Stop = {
    at: what + where,
    next: hasFailed ? "lets the run end" : "lets the script go on",
  };
  const { signal } = driver;
  if (python !== undefined) {
    const evaluatorFor = (print?: (text: string) => void) =>
      new PythonEvaluator(python.prompt, interrupt, print);
    if (options.attach !== undefined) {
      return await offerInSandbox(
        driver,
        stop,
        options.attach,
        { ...SANDBOX_ADDRESS, ...python.address },
        (reader) =>
          talk({
            reader,
            evaluator: evaluatorFor((text) => reader.print(text)),
            driver,
            signal,
          }),
      );
    }
    return await lookHere(evaluatorFor(), driver, stop);
  }
  const seen = Object.keys(driver.bindings());
  const names = { ...helpBeside(seen), ...options.names };
  using bound = bindGlobals(names);
  using evaluator = await JavaScriptEvaluator.create([
    ...Object.keys(names),
    ...seen,
  ]);
  const { attach } = options;
  await bound.run(() =>
    attach === undefined ? lookHere(evaluator, driver, stop) : offerInSandbox(
      driver,
      stop,
      attach,
      SANDBOX_ADDRESS,
      (reader) => talk({ reader, evaluator, driver, signal }),
    )
  );
}

/** A prompt at the terminal. */
async function lookHere(
  evaluator: Evaluator,
  driver: Driver,
  { at, next }: Stop,
): Promise<void> {
  const language = evaluator instanceof PythonEvaluator
    ? "python"
    : "typescript";
  driver.log.flush();
  using reader = await openReader(language, (line) => evaluator.complete(line));
  using _console = divertConsole(reader);
  reader.print(`${at}: Ctrl-D ${next}`);
  await talk({ reader, evaluator, driver, signal: driver.signal });
}

/**
 * Waits at a TCP port for a person who enters the sandbox. That person finds
 * the sandbox by a process in it, which has a number in its command line.
 */
async function offerInSandbox(
  driver: Driver,
  { at, next }: Stop,
  attach: string,
  address: { hostname: string; port: number },
  talkTo: (reader: LineReader) => Promise<void>,
): Promise<void> {
  const { signal } = driver;
  using listener = listen(address);
  const number = String(
    1_000_000 + crypto.getRandomValues(new Uint32Array(1))[0] % 9_000_000,
  );
  // The shell for that person. The program that attaches looks for it in the
  // environment.
  const bash = await pathOf("bash");
  await using supervisor = new Supervisor();
  supervisor.spawn(`exec sleep ${number}`, { env: { bashInteractive: bash } });
  driver.log.warning(
    `${at}: sudo ${attach} ${number} enters the sandbox, where ` +
      `TCP port ${listener.addr.port} of ${address.hostname} has a prompt`,
  );
  driver.log.flush();
  const close = () => listener.close();
  signal.addEventListener("abort", close);
  try {
    using connection = await listener.accept();
    using reader = new StreamReader(connection, { showPrompt: true });
    reader.print(`${at}: the end of input ${next}`);
    await talkTo(reader);
    await reader.written;
  } finally {
    signal.throwIfAborted();
    signal.removeEventListener("abort", close);
  }
}

/** Listens at the usual address, or at another one if that is in use. */
function listen(
  address: { hostname: string; port: number },
): Deno.TcpListener {
  try {
    return Deno.listen(address);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return Deno.listen({ ...address, port: 0 });
  }
}

async function pathOf(program: string): Promise<string> {
  for (const place of (Deno.env.get("PATH") ?? "").split(":")) {
    const path = `${place}/${program}`;
    if (await Deno.stat(path).then((info) => info.isFile, () => false)) {
      return path;
    }
  }
  return "/bin/sh";
}
