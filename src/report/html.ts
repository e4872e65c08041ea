import { harmless } from "../scan/mod.ts";
import { escape } from "./escape.ts";
import type { Listener, RunEvent } from "./event.ts";
import { RewrittenFile } from "./rewritten_file.ts";
import { shortened } from "./shortened.ts";
import style from "./style.css" with { type: "text" };
import { type Picture, type Remark, Trace, type TraceStep } from "./trace.ts";

/** Bars that one machine's row of the timeline shows at most. */
const mostBars = 300;

/**
 * Writes a run as one HTML page that needs nothing else: what failed and what
 * the consoles said last at the top, a timeline of the machines, every step with
 * the messages, console lines and screenshots of its time.
 *
 * The page holds no script and may load nothing. It stays of moderate size: of
 * long consoles the middle is left out, the page links to the whole log.
 *
 * @example
 * ```ts
 * const log = new Log([new HtmlListener("report.html")]);
 * ```
 */
export class HtmlListener implements Listener {
  readonly #trace = new Trace();
  readonly #file: RewrittenFile;
  readonly #folder: string;
  #closed = false;

  /** Path of the page. */
  readonly path: string;

  /**
   * Writes the page's first version.
   *
   * @param path Path of the page.
   * @throws {Error} If the file can't be written.
   */
  constructor(path: string) {
    this.path = path;
    this.#folder = path.slice(0, path.lastIndexOf("/") + 1);
    this.#file = new RewrittenFile(path, () => this.#render());
  }

  /** See {@linkcode Listener.on}. */
  on(event: RunEvent): void {
    this.#trace.add(event);
    if (event.type === "stepEnded" || event.type === "subtestEnded") {
      this.#file.touch();
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
    this.#file.write();
  }

  #render(): string {
    const { end, date, name = "VM test", time } = this.#trace;
    const verdict = end?.verdict ?? "unfinished";
    const when = new Date(date).toISOString().slice(0, 19).replace("T", " ");
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${verdict}: ${escape(name)}</title>
<style>
${style}</style>
</head>
<body>
<header class="${verdict}"><h1>${verdict}</h1>
<p><bdi>${escape(name)}</bdi>, ${seconds(time)}, begun ${when} UTC</p></header>
<main>
${this.#failure()}${this.#timeline()}<section><h2>Steps</h2>
${this.#contents(this.#trace.root)}</section>
</main>
</body>
</html>
`;
  }

  #failure(): string {
    const { end, error, failed, machines } = this.#trace;
    if (error === undefined) return "";
    const path: string[] = [];
    for (let step = failed; step?.parent !== undefined; step = step.parent) {
      path.unshift(`<a href="#step${step.id}">${title(step)}</a>`);
    }
    let out = `<section class="failure"><h2>${escape(error.name)}</h2>
<pre>${escape(shortened(harmless(end?.detail ?? error.message), 100_000))}</pre>
`;
    if (path.length > 0) out += `<p>In ${path.join(" › ")}</p>\n`;
    const picture = failed && lastPicture(failed);
    if (picture) out += this.#picture(picture);
    // The machine that failed speaks first.
    const order = [...machines].sort(([a], [b]) =>
      Number(b === failed?.machine) - Number(a === failed?.machine)
    );
    for (const [machine, last] of order) {
      const lines = [...last.head, ...last.tail].slice(-20);
      if (lines.length === 0) continue;
      out += `<h3>${escape(machine)} said last${
        this.#consoleLink(machine)
      }</h3>\n${remarks(lines, false)}`;
    }
    return `${out}</section>\n`;
  }

  #consoleLink(machine: string): string {
    const path = this.#trace.consoles.get(machine);
    return path === undefined
      ? ""
      : ` <a class="file" href="${this.#link(path)}">whole log</a>`;
  }

  /** A file as seen from the page. */
  #link(path: string): string {
    const near = this.#folder !== "" && path.startsWith(this.#folder);
    const relative = near ? path.slice(this.#folder.length) : path;
    const url = relative.toWellFormed().split("/").map(encodeURIComponent)
      .join("/");
    return escape(url.startsWith("/") ? `file://${url}` : `./${url}`, true);
  }

  #timeline(): string {
    const { machines, time, root } = this.#trace;
    if (machines.size === 0 || time === 0) return "";
    const bars = new Map<string, TraceStep[]>();
    const walk = (step: TraceStep) => {
      if (step.machine !== undefined) {
        const own = bars.get(step.machine);
        if (own === undefined) bars.set(step.machine, [step]);
        else own.push(step);
      }
      step.steps.forEach(walk);
    };
    walk(root);
    let out = `<section><h2>Timeline</h2>\n<div class="timeline">\n`;
    for (const machine of machines.keys()) {
      out += `<div class="name">${escape(machine)}${
        this.#consoleLink(machine)
      }</div><div class="row">`;
      const longest = (bars.get(machine) ?? [])
        .sort((a, b) => length(b, time) - length(a, time))
        .slice(0, mostBars);
      for (const step of longest) {
        const left = (step.began / time * 100).toFixed(3);
        const width = (length(step, time) / time * 100).toFixed(3);
        const tip = escape(
          `${shortened(step.text, 300)} (${seconds(length(step, time))})`,
          true,
        );
        out += `<a href="#step${step.id}" title="${tip}" class="${
          state(step)
        }" style="left:${left}%;width:${width}%"></a>`;
      }
      out += "</div>\n";
    }
    return `${out}<div></div><div class="scale"><span>0 s</span><span>${
      seconds(time)
    }</span></div>\n</div></section>\n`;
  }

  /** What happened in a step, in order of time. */
  #contents(step: TraceStep): string {
    let out = "";
    let pending: Remark[] = [];
    const say = () => {
      if (pending.length > 0) out += remarks(pending, true);
      pending = [];
    };
    const inside: { time: number; html: () => string }[] = [
      ...step.steps.map((one) => ({
        time: one.began,
        html: () => this.#step(one),
      })),
      ...step.pictures.map((one) => ({
        time: one.time,
        html: () => this.#picture(one),
      })),
    ].sort((a, b) => a.time - b.time);
    let at = 0;
    const upTo = (time: number) => {
      for (; at < inside.length && inside[at].time <= time; at++) {
        say();
        out += inside[at].html();
      }
    };
    for (const remark of step.remarks.head) {
      upTo(remark.time);
      pending.push(remark);
    }
    if (step.remarks.omitted > 0) {
      const tail = step.remarks.tail;
      if (tail.length > 0) upTo(tail[0].time);
      say();
      const links = [...this.#trace.consoles.keys()].filter((machine) =>
        step.machine === undefined || step.machine === machine
      ).map((machine) => `${escape(machine)}${this.#consoleLink(machine)}`);
      out += `<p class="gap">${step.remarks.omitted} lines left out ${
        links.join(", ")
      }</p>\n`;
    }
    for (const remark of step.remarks.tail) {
      upTo(remark.time);
      pending.push(remark);
    }
    upTo(Infinity);
    say();
    if (step.omitted > 0) {
      out += `<p class="gap">${step.omitted} steps left out</p>\n`;
    }
    return out;
  }

  #step(step: TraceStep): string {
    const inside = this.#contents(step);
    const error = step.error === undefined ||
        step.steps.some((one) => one.error === step.error)
      ? ""
      : `<pre class="error">${
        escape(shortened(harmless(step.error.message), 100_000))
      }</pre>\n`;
    const machine = step.machine === undefined
      ? ""
      : `<b>${escape(step.machine)}</b> `;
    const head = `<span class="at">${seconds(step.began)}</span> ${machine}${
      title(step)
    } <span class="took">${
      step.ended === undefined ? "unfinished" : seconds(step.ended - step.began)
    }</span>`;
    const more = step.text.indexOf("\n") < 0
      ? ""
      : `<pre class="text">${escape(step.text)}</pre>\n`;
    const attributes = `id="step${step.id}" class="step ${state(step)}"`;
    if (inside + error + more === "") {
      return `<div ${attributes}>${head}</div>\n`;
    }
    const open = step.steps.length > 0 || state(step) !== "passed"
      ? ` open=""`
      : "";
    return `<details ${attributes}${open}><summary>${head}</summary>\n${more}${inside}${error}</details>\n`;
  }

  #picture(picture: Picture): string {
    const caption = `${escape(picture.machine)} at ${seconds(picture.time)}`;
    const url = this.#link(picture.path);
    const inside = picture.data === undefined
      ? escape(picture.path)
      : `<img alt="screenshot of ${
        escape(picture.machine, true)
      }" src="data:image/png;base64,${picture.data}"/>`;
    return `<figure><a href="${url}">${inside}</a><figcaption>${caption}</figcaption></figure>\n`;
  }
}

function remarks(lines: readonly Remark[], times: boolean): string {
  let out = `<pre class="remarks">`;
  for (const { time, kind, machine, text } of lines) {
    const name = machine === undefined
      ? ""
      : escape(machine) + (kind === "console" ? " # " : ": ");
    const at = times ? `<i>${time.toFixed(2)}</i> ` : "";
    const said = kind === "file" ? `copied ${text}` : text;
    out += `<span class="${kind}">${at}${name}${escape(said)}</span>\n`;
  }
  return `${out}</pre>\n`;
}

function title(step: TraceStep): string {
  const first = shortened(step.text.split("\n", 1)[0], 300);
  return `${step.subtest ? "subtest: " : ""}<bdi>${escape(first)}</bdi>`;
}

function state(step: TraceStep): string {
  if (step.error !== undefined) return "failed";
  return step.ended === undefined ? "unfinished" : "passed";
}

function length(step: TraceStep, now: number): number {
  return (step.ended ?? now) - step.began;
}

function lastPicture(step: TraceStep): Picture | undefined {
  for (let at: TraceStep | undefined = step; at; at = at.parent) {
    const picture = at.pictures.at(-1);
    if (picture !== undefined) return picture;
  }
  return undefined;
}

function seconds(time: number): string {
  return `${time.toFixed(2)} s`;
}
