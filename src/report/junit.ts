import { harmless } from "../scan/mod.ts";
import { writeAllSync } from "../stream/mod.ts";
import { BoundedText } from "./bounded_text.ts";
import { escape } from "./escape.ts";
import { absolute } from "../paths.ts";
import type { RunAbout } from "./about.ts";
import type { ErrorReport, Listener, RunEvent } from "./event.ts";
import { pathOf, type Position } from "./positions.ts";
import { RewrittenFile } from "./rewritten_file.ts";
import { shortened } from "./shortened.ts";
import { TextBatch } from "./text_batch.ts";

/** Bytes of a test case's output that are kept from its begin, and again from its end. */
const most = 256 * 1024;
/** The same of a case that passed. There may be thousands of them. */
const mostPassed = 8 * 1024;
const longestLine = 16 * 1024;
/** Files of a case that are named at most. */
const mostAttachments = 200;

class TestCase {
  readonly stdout = new BoundedText(most);
  readonly stderr = new BoundedText(most);
  failure: { error: ErrorReport; text: string } | undefined;
  /** Paths of files to look at. */
  attachments: string[] = [];
  /** Seconds, without those of the subtests inside; undefined while it runs. */
  duration: number | undefined;
  nested = 0;

  constructor(
    readonly name: string,
    readonly parent?: TestCase,
    readonly position?: Position,
  ) {}
}

/**
 * Writes a JUnit report: a suite named as the test script, with a test case per
 * subtest. A case `main` stands for the whole of a script without subtests, and
 * for one that failed outside of them. A case's output holds the messages,
 * steps and console lines of its time, the suite's holds all; both are bounded:
 * the middle of a long output is left out, and more of it if a case passed.
 *
 * The file is complete from the start and renewed at each subtest's end; a run
 * that is killed leaves `main` failed as unfinished.
 *
 * @example
 * ```ts
 * const log = new Log([new JunitListener("junit.xml")]);
 * ```
 */
export class JunitListener implements Listener {
  /** See {@linkcode Listener.takesPlaces}. */
  readonly takesPlaces = false;
  /** The whole run, and the case for everything outside of subtests. */
  readonly #main = new TestCase("main");
  readonly #subtests: TestCase[] = [];
  readonly #names = new Set(["main"]);
  /** The case that each open step belongs to. */
  readonly #owners = new Map<number, TestCase>();
  readonly #running: TestCase[] = [];
  readonly #file: RewrittenFile;
  #date = Date.now();
  #name: string | undefined;
  readonly #projectDirectory: string | undefined;
  readonly #properties = new Map<string, string>();
  #time = 0;
  #ended = false;
  #closed = false;

  /** Path of the file. */
  readonly path: string;

  /**
   * Writes the report's first version.
   *
   * @param path Path of the file.
   * @param options.projectDirectory The directory that paths of attachments
   * below it are relative to: GitLab wants those of its project. If nothing is
   * given, all are absolute, as Jenkins wants them.
   * @throws {Error} If the file can't be written.
   */
  constructor(path: string, options: { projectDirectory?: string } = {}) {
    this.path = path;
    this.#projectDirectory = options.projectDirectory;
    this.#file = new RewrittenFile(path, (path) => {
      using file = Deno.openSync(path, {
        write: true,
        create: true,
        truncate: true,
      });
      const batch = new TextBatch((bytes) => writeAllSync(file, bytes));
      for (const piece of this.#render()) batch.add(piece);
      batch.flush();
    });
  }

  /** See {@linkcode Listener.on}. */
  on(event: RunEvent): void {
    this.#time = event.time;
    const owner = this.#owner(event.step);
    switch (event.type) {
      case "runBegan":
        this.#date = event.date;
        this.#name = event.name;
        if (event.about !== undefined) this.#describe(event.about);
        break;
      case "fact": {
        const whose = event.machine === undefined ? "" : ` of ${event.machine}`;
        this.#properties.set(`${event.name}${whose}`, event.value);
        break;
      }
      case "machineStarted":
        this.#properties.set(
          `start command of ${event.machine}`,
          event.command,
        );
        break;
      case "screenshot":
      case "fileCopied":
        this.#attach(owner, event.path);
        break;
      case "attachment":
        if (event.path !== undefined) this.#attach(owner, event.path);
        break;
      case "message":
        if (event.level === "debug") break;
        this.#say(
          owner,
          event.machine,
          event.text,
          event.level === "error" ? "stderr" : "stdout",
        );
        break;
      case "stepBegan":
        this.#owners.set(event.id, owner);
        this.#say(owner, event.machine, event.text);
        break;
      case "stepEnded": {
        const how = event.error === undefined ? "finished" : "failed";
        const duration = event.duration.toFixed(2);
        this.#say(
          this.#owner(event.id),
          event.machine,
          `(${how}: ${event.text}, in ${duration} seconds)`,
        );
        this.#owners.delete(event.id);
        break;
      }
      case "consoleLine": {
        // Before anything else takes a copy of a line of any length.
        const text = shortened(event.text, longestLine);
        this.#add(
          this.#running.at(-1) ?? this.#main,
          "stdout",
          `${event.machine} # ${text}`,
        );
        break;
      }
      case "subtestBegan": {
        const begun = new TestCase(
          this.#unique(shortened(harmless(event.name), 1000)),
          owner,
          event.position,
        );
        this.#subtests.push(begun);
        this.#owners.set(event.id, begun);
        this.#running.push(begun);
        break;
      }
      case "subtestEnded": {
        const ended = this.#owner(event.id);
        this.#owners.delete(event.id);
        this.#running.splice(this.#running.indexOf(ended), 1);
        ended.duration = Math.max(0, event.duration - ended.nested);
        if (ended.parent) ended.parent.nested += event.duration;
        if (event.error !== undefined) {
          ended.failure = { error: event.error, text: traceOf(event.error) };
        } else {
          ended.stdout.shrink(mostPassed);
          ended.stderr.shrink(mostPassed);
        }
        this.#file.touch();
        break;
      }
      case "runEnded":
        this.#ended = true;
        this.#main.duration = Math.max(0, event.time - this.#main.nested);
        for (const { name, error, detail } of event.failures ?? []) {
          const failed = this.#subtests.find((one) =>
            one.name.startsWith(shortened(harmless(name), 1000)) &&
            isSame(one.failure?.error, error)
          );
          if (failed !== undefined) failed.failure = { error, text: detail };
        }
        if (event.verdict !== "passed") {
          const error = event.error ??
            { name: event.verdict, message: `the run ended: ${event.verdict}` };
          const text = event.detail ?? traceOf(error);
          // An error that a subtest has reported is no second failure. Errors
          // are compared by their text, because a script in another language
          // reports each error twice.
          const same = this.#subtests.findLast(({ failure }) =>
            isSame(failure?.error, error)
          );
          // Files that the run gathers at its end belong to its failure.
          if (same !== undefined) {
            same.attachments.push(...this.#main.attachments);
          }
          // Several failures are reported already, each with its subtest.
          const { failures } = event;
          const isTold = error.name === "SubtestFailures" ||
            failures?.some((one) => isSame(one.error, error));
          if (failures !== undefined && isTold) break;
          (same ?? this.#main).failure = { error, text };
        }
        break;
    }
  }

  /** See {@linkcode Listener.flush}. */
  flush(): void {
    if (!this.#closed) this.#file.write();
  }

  /** See {@linkcode Listener.close}. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // A log that is closed without a verdict reports no failure.
    this.#ended = true;
    this.#file.write();
  }

  #describe({ versions, host, system, commandLine }: RunAbout): void {
    for (const [name, version] of Object.entries(versions)) {
      this.#properties.set(name, version);
    }
    if (host !== undefined) this.#properties.set("host", host);
    this.#properties.set("system", system);
    this.#properties.set("command line", commandLine.join(" "));
  }

  #attach({ attachments }: TestCase, path: string): void {
    if (attachments.length >= mostAttachments) return;
    const whole = absolute(path);
    const base = this.#projectDirectory;
    attachments.push(
      base !== undefined && whole.startsWith(`${base}/`)
        ? whole.slice(base.length + 1)
        : whole,
    );
  }

  #owner(step: number | undefined): TestCase {
    return (step === undefined ? undefined : this.#owners.get(step)) ??
      this.#main;
  }

  #unique(name: string): string {
    let unique = name;
    for (let count = 2; this.#names.has(unique); count++) {
      unique = `${name} (${count})`;
    }
    this.#names.add(unique);
    return unique;
  }

  #say(
    owner: TestCase,
    machine: string | undefined,
    text: string,
    stream: "stdout" | "stderr" = "stdout",
  ): void {
    const prefix = machine === undefined ? "" : `${machine}: `;
    for (const line of harmless(prefix + text).split("\n")) {
      this.#add(owner, stream, shortened(line, longestLine));
    }
  }

  /** The run's output holds that of every case. */
  #add(owner: TestCase, stream: "stdout" | "stderr", line: string): void {
    // A guest must not choose which files readers of the report take.
    const plain = line.replaceAll("[[ATTACHMENT", "[ [ATTACHMENT");
    this.#main[stream].add(plain);
    if (owner !== this.#main) owner[stream].add(plain);
  }

  *#render(): Generator<string> {
    const main = this.#main;
    const tellsMain = this.#subtests.length === 0 ||
      this.#failureOf(main) !== undefined;
    const cases = tellsMain ? [main, ...this.#subtests] : this.#subtests;
    const suite = this.#name ?? "VM test";
    const className = escape(classNameOf(suite), true);
    const failures = cases.filter((one) => this.#failureOf(one) !== undefined);
    const total = cases.reduce((sum, one) => sum + this.#timeOf(one), 0);
    const counts =
      `tests="${cases.length}" failures="${failures.length}" errors="0" time="${
        total.toFixed(3)
      }"`;
    const date = new Date(this.#date).toISOString().slice(0, 19);
    yield `<?xml version="1.0" encoding="utf-8"?>
<testsuites ${counts}>
  <testsuite name="${
      escape(suite, true)
    }" ${counts} skipped="0" timestamp="${date}">
${this.#renderProperties()}`;
    for (const one of cases) yield* this.#renderCase(one, className);
    yield* output("    ", "system-out", main.stdout);
    yield* output("    ", "system-err", main.stderr);
    yield "  </testsuite>\n</testsuites>\n";
  }

  *#renderCase(one: TestCase, className: string): Generator<string> {
    const name = escape(one.name, true);
    const time = this.#timeOf(one).toFixed(3);
    yield `    <testcase name="${name}" classname="${className}" time="${time}"${
      this.#place(one)
    }>\n`;
    const failure = this.#failureOf(one);
    if (failure !== undefined) {
      const message = shortened(harmless(failure.error.message), longestLine);
      yield `      <failure message="${escape(message, true)}" type="${
        escape(failure.error.name, true)
      }">${escape(failure.text)}</failure>\n`;
    }
    // The suite has the output of the whole run.
    const isCase = one !== this.#main;
    const stdout = isCase ? one.stdout : undefined;
    yield* output("      ", "system-out", stdout, one.attachments);
    if (isCase) yield* output("      ", "system-err", one.stderr);
    yield "    </testcase>\n";
  }

  #timeOf({ duration, nested }: TestCase): number {
    return duration ?? Math.max(0, this.#time - nested);
  }

  #failureOf(one: TestCase): TestCase["failure"] {
    return one.failure ?? this.#unfinished(one);
  }

  #renderProperties(): string {
    if (this.#properties.size === 0) return "";
    const rows = [...this.#properties].map(([name, value]) =>
      `      <property name="${escape(name, true)}" value="${
        escape(shortened(harmless(value), longestLine), true)
      }"/>\n`
    );
    return `    <properties>\n${rows.join("")}    </properties>\n`;
  }

  /** Where a case is, as attributes. */
  #place({ position }: TestCase): string {
    const file = position === undefined ? this.#name : pathOf(position.url);
    if (file === undefined) return "";
    const line = position === undefined ? "" : ` line="${position.line}"`;
    return ` file="${escape(file, true)}"${line}`;
  }

  #unfinished(one: TestCase): TestCase["failure"] {
    if (this.#ended || one !== this.#main) return undefined;
    const message = "the run has not finished";
    return { error: { name: "unfinished", message }, text: message };
  }
}

function isSame(one: ErrorReport | undefined, other: ErrorReport): boolean {
  return one?.name === other.name && one.message === other.message;
}

function traceOf(error: ErrorReport): string {
  return error.stack ?? `${error.name}: ${error.message}`;
}

/**
 * A script's name, by which readers of reports group cases: `tests.web` for
 * `tests/web.ts`. For a path from elsewhere, the file's name without the hash
 * of a Nix store.
 */
function classNameOf(script: string): string {
  const path = script.replace(/^\/(?:.*\/)?(?:[0-9a-z]{32}-)?/, "");
  return path.replace(/^(?:\.*\/)+/, "").replace(/\.[cm]?[jt]sx?$|\.py$/, "")
    .replaceAll("/", ".");
}

function* output(
  indent: string,
  name: string,
  text: BoundedText | undefined,
  attachments: readonly string[] = [],
): Generator<string> {
  const isEmpty = text === undefined || text.lines === 0;
  if (isEmpty && attachments.length === 0) return;
  yield `${indent}<${name}>`;
  for (const piece of text?.pieces() ?? []) yield escape(piece);
  for (const path of attachments) yield escape(`[[ATTACHMENT|${path}]]\n`);
  yield `</${name}>\n`;
}
