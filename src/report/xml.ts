import { writeAllSync } from "../stream/mod.ts";
import { escape } from "./escape.ts";
import {
  type Attributes,
  isShown,
  type Listener,
  type LogLevel,
  type RunEvent,
} from "./event.ts";
import { TextBatch } from "./text_batch.ts";

interface Nest {
  readonly id: number;
  readonly parent: number | undefined;
  readonly text: string;
  readonly attributes: Attributes;
}

const encoder = new TextEncoder();

/**
 * Writes the XML log of a NixOS test: `<logfile>` with a `<nest>` per step, whose
 * `<head>` says what the step does, and a `<line>` per message or console line.
 *
 * The file is well-formed XML after every write, whatever happens to the
 * process. Elements can't overlap, steps that run at the same time can: then
 * the nest of one is closed and opened again, with `continued="true"` at its
 * head, when the step has more lines.
 *
 * @example
 * ```ts
 * const log = new Log([new XmlListener("log.xml")]);
 * ```
 */
export class XmlListener implements Listener {
  /** See {@linkcode Listener.takesPlaces}. */
  readonly takesPlaces = false;
  #level: LogLevel;
  readonly #batch = new TextBatch((bytes) => this.#write(bytes));
  readonly #known = new Map<number, Nest>();
  /** Nests that are open in the file, outermost first. */
  readonly #stack: Nest[] = [];
  #file: Deno.FsFile | undefined;
  #regular = false;
  /** Where the closing tags at the file's end begin, and what they are. */
  #end = 0;
  #written = new Uint8Array(0);

  /** Path of the file. */
  readonly path: string;

  /**
   * Opens the file, empty.
   *
   * @param path Path of the file. `/dev/null` mutes the log.
   * @param options What to write.
   * @param options.level The lowest level of messages to write. Default: `"info"`.
   * @throws {Error} If the file can't be written.
   */
  constructor(path: string, options: { level?: LogLevel } = {}) {
    this.path = path;
    this.#level = options.level ?? "info";
    if (path === "/dev/null") return;
    this.#file = Deno.openSync(path, {
      write: true,
      create: true,
      truncate: true,
    });
    this.#regular = this.#file.statSync().isFile;
    this.#batch.add(`<?xml version="1.0" encoding="utf-8"?>\n<logfile>`);
  }

  /** See {@linkcode Listener.on}. */
  on(event: RunEvent): void {
    if (this.#file === undefined) return;
    switch (event.type) {
      case "message":
        if (!isShown(event.level, this.#level)) break;
        this.#enter(event.step);
        this.#line(event.text, event.attributes);
        break;
      case "consoleLine":
        this.#line(event.text, { machine: event.machine, type: "serial" });
        break;
      case "screenshot":
      case "fileCopied":
        this.#enter(event.step);
        this.#line(event.path, { machine: event.machine, type: event.type });
        break;
      case "stepBegan":
        this.#begin(event.id, event.step, event.text, event.attributes);
        break;
      case "subtestBegan":
        this.#begin(event.id, event.step, `subtest: ${event.name}`, {});
        break;
      case "stepEnded":
        this.#ended(event, event.text);
        break;
      case "subtestEnded":
        this.#ended(event, `subtest: ${event.name}`);
        break;
      case "logLevelSet":
        this.#level = event.level;
        break;
      case "runEnded":
        if (event.error !== undefined) {
          this.#enter(undefined);
          this.#line(
            event.detail ?? `${event.error.name}: ${event.error.message}`,
            { type: "failure" },
          );
        }
        break;
    }
  }

  /** See {@linkcode Listener.flush}. */
  flush(): void {
    this.#batch.flush();
  }

  /** See {@linkcode Listener.close}. */
  close(): void {
    if (this.#file === undefined) return;
    this.#batch.flush();
    if (!this.#regular) {
      writeAllSync(this.#file, encoder.encode(this.#tail()));
    }
    this.#file.close();
    this.#file = undefined;
  }

  #begin(
    id: number,
    parent: number | undefined,
    text: string,
    attributes: Attributes,
  ): void {
    this.#enter(parent);
    const nest = { id, parent, text, attributes };
    this.#known.set(id, nest);
    this.#open(nest, attributes);
  }

  #ended(
    event: { id: number; duration: number; error?: unknown },
    text: string,
  ): void {
    const nest = this.#known.get(event.id);
    if (nest === undefined) return;
    this.#enter(event.id);
    const how = event.error === undefined ? "finished" : "failed";
    this.#line(
      `(${how}: ${text}, in ${event.duration.toFixed(2)} seconds)`,
      nest.attributes,
    );
    this.#leave();
    this.#known.delete(event.id);
  }

  /** Makes a step's nest the innermost open one. */
  #enter(id: number | undefined): void {
    const chain: Nest[] = [];
    let nest = id === undefined ? undefined : this.#known.get(id);
    while (nest !== undefined) {
      chain.unshift(nest);
      nest = nest.parent === undefined
        ? undefined
        : this.#known.get(nest.parent);
    }
    let common = 0;
    while (
      common < chain.length && chain[common] === this.#stack[common]
    ) common++;
    while (this.#stack.length > common) this.#leave();
    for (const again of chain.slice(common)) {
      this.#open(again, { ...again.attributes, continued: "true" });
    }
  }

  #open(nest: Nest, attributes: Attributes): void {
    this.#stack.push(nest);
    this.#batch.add(
      `<nest><head${written(attributes)}>${escape(nest.text)}</head>`,
    );
  }

  #leave(): void {
    this.#stack.pop();
    this.#batch.add("</nest>");
  }

  #line(text: string, attributes: Attributes): void {
    this.#batch.add(
      `<line${written(attributes)}>${escape(text)}</line>\n`,
    );
  }

  #tail(): string {
    return `${"</nest>".repeat(this.#stack.length)}</logfile>\n`;
  }

  #write(bytes: Uint8Array): void {
    if (this.#file === undefined) return;
    if (!this.#regular) {
      writeAllSync(this.#file, bytes);
      return;
    }
    // What is closed in `bytes` was closed in the old tail already, so the new
    // bytes are never fewer than those that they replace.
    const tail = encoder.encode(this.#tail());
    const whole = new Uint8Array(bytes.length + tail.length);
    whole.set(bytes);
    whole.set(tail, bytes.length);
    try {
      this.#file.seekSync(this.#end, Deno.SeekMode.Start);
      writeAllSync(this.#file, whole);
    } catch (error) {
      this.#undo(this.#file);
      throw error;
    }
    this.#end += bytes.length;
    this.#written = tail;
  }

  /** Makes the file what it was before a write for which the disk lacks room. */
  #undo(file: Deno.FsFile): void {
    file.truncateSync(this.#end + this.#written.length);
    file.seekSync(this.#end, Deno.SeekMode.Start);
    writeAllSync(file, this.#written);
  }
}

const nameable = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

function written(attributes: Attributes): string {
  let out = "";
  for (const name in attributes) {
    const value = attributes[name];
    if (value === undefined || !nameable.test(name)) continue;
    out += ` ${name}="${escape(String(value), true)}"`;
  }
  return out;
}
