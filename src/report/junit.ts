import { harmless } from "../scan/mod.ts";
import { BoundedLines } from "./bounded_lines.ts";
import { escape } from "./escape.ts";
import type { ErrorReport, Event, Listener } from "./event.ts";
import { RewrittenFile } from "./rewritten_file.ts";
import { shortened } from "./shortened.ts";

/** Characters of a test case's output that are kept from its begin, and again from its end. */
const most = 256 * 1024;
const longestLine = 16 * 1024;

class TestCase {
  readonly stdout = new BoundedLines<string>(most, (line) => line.length + 1);
  readonly stderr = new BoundedLines<string>(most, (line) => line.length + 1);
  failure: { error: ErrorReport; text: string } | undefined;
  /** Seconds, those of the subtests inside not counted; while it runs: undefined. */
  duration: number | undefined;
  nested = 0;

  constructor(readonly name: string, readonly parent: TestCase | undefined) {}
}

/**
 * Writes a JUnit report: a test case per subtest, and `main` for what happens
 * outside of them. A case's output holds the messages, steps and console lines
 * of its time, bounded: of much output the middle is left out.
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
  readonly #main = new TestCase("main", undefined);
  readonly #cases: TestCase[] = [this.#main];
  readonly #names = new Set(["main"]);
  /** The case that each open step belongs to. */
  readonly #owners = new Map<number, TestCase>();
  readonly #running: TestCase[] = [this.#main];
  readonly #file: RewrittenFile;
  #date = Date.now();
  #time = 0;
  #ended = false;
  #closed = false;

  /** Path of the file. */
  readonly path: string;

  /**
   * Writes the report's first version.
   *
   * @param path Path of the file.
   * @throws {Error} If the file can't be written.
   */
  constructor(path: string) {
    this.path = path;
    this.#file = new RewrittenFile(path, () => this.#render());
  }

  /** See {@linkcode Listener.on}. */
  on(event: Event): void {
    this.#time = event.time;
    const owner = this.#owner(event.step);
    switch (event.type) {
      case "runBegan":
        this.#date = event.date;
        break;
      case "message":
        if (event.level === "debug") break;
        this.#say(
          owner,
          event.machine,
          event.text,
          event.level === "error" ? owner.stderr : owner.stdout,
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
        const running = this.#running.at(-1) ?? this.#main;
        running.stdout.add(
          shortened(`${event.machine} # ${event.text}`, longestLine),
        );
        break;
      }
      case "subtestBegan": {
        const begun = new TestCase(
          this.#unique(shortened(harmless(event.name), 1000)),
          owner,
        );
        this.#cases.push(begun);
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
        }
        this.#file.touch();
        break;
      }
      case "runEnded":
        this.#ended = true;
        this.#main.duration = Math.max(0, event.time - this.#main.nested);
        if (event.verdict !== "passed") {
          const error = event.error ??
            { name: event.verdict, message: `the run ended: ${event.verdict}` };
          const text = event.detail ?? traceOf(error);
          // What a subtest failed of already is not a second failure.
          // Compared by what it says: a script in another language hands the
          // error over twice.
          const same = this.#cases.findLast(({ failure }) =>
            failure?.error.name === error.name &&
            failure.error.message === error.message
          );
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
    // Who closes the log without a verdict has no failure to tell of.
    this.#ended = true;
    this.#file.write();
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
    into = owner.stdout,
  ): void {
    const prefix = machine === undefined ? "" : `${machine}: `;
    for (const line of harmless(prefix + text).split("\n")) {
      into.add(shortened(line, longestLine));
    }
  }

  #render(): string {
    let failures = 0;
    let total = 0;
    let cases = "";
    for (const one of this.#cases) {
      const time = one.duration ?? Math.max(0, this.#time - one.nested);
      total += time;
      cases += `    <testcase name="${
        escape(one.name, true)
      }" classname="test script" time="${time.toFixed(3)}">\n`;
      const failure = one.failure ?? this.#unfinished(one);
      if (failure !== undefined) {
        failures++;
        const message = shortened(harmless(failure.error.message), longestLine);
        cases += `      <failure message="${escape(message, true)}" type="${
          escape(failure.error.name, true)
        }">${escape(failure.text)}</failure>\n`;
      }
      cases += output("system-out", one.stdout);
      cases += output("system-err", one.stderr);
      cases += "    </testcase>\n";
    }
    const counts =
      `tests="${this.#cases.length}" failures="${failures}" errors="0" time="${
        total.toFixed(3)
      }"`;
    const date = new Date(this.#date).toISOString().slice(0, 19);
    return `<?xml version="1.0" encoding="utf-8"?>
<testsuites ${counts}>
  <testsuite name="NixOS integration test" ${counts} skipped="0" timestamp="${date}">
${cases}  </testsuite>
</testsuites>
`;
  }

  #unfinished(one: TestCase): TestCase["failure"] {
    if (this.#ended || one !== this.#main) return undefined;
    const message = "the run has not finished";
    return { error: { name: "unfinished", message }, text: message };
  }
}

function traceOf(error: ErrorReport): string {
  return error.stack ?? `${error.name}: ${error.message}`;
}

function output(name: string, lines: BoundedLines<string>): string {
  const { head, omitted, tail } = lines;
  if (head.length + tail.length + omitted === 0) return "";
  const gap = omitted === 0 ? [] : [`… ${omitted} lines left out …`];
  return `      <${name}>${
    escape([...head, ...gap, ...tail].join("\n"))
  }\n</${name}>\n`;
}
