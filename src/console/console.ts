import { MachineError, TestFailure } from "../errors.ts";
import type { Log } from "../report/mod.ts";
import { shortened } from "../report/shortened.ts";
import { harmless, LineSplitter, type Match, Scanner } from "../scan/mod.ts";
import { after, checkTimeout, delay } from "../time/mod.ts";
import { ConsoleFile } from "./console_file.ts";
import { deathPatterns, GuestDied, isPanic, isSign } from "./guest_died.ts";
import { compilePattern } from "./pattern.ts";

/** Options of {@linkcode SerialConsole}. */
export interface ConsoleOptions {
  /** Name of the machine. */
  machine: string;
  /** Path of the file that gets every byte of the console. It starts empty. */
  path: string;
  /** Where the lines go. */
  log: Log;
  /**
   * What the guest says when it may be beyond help. Default:
   * {@linkcode deathPatterns}; none, if the test means the guest to die.
   */
  dead?: readonly RegExp[];
}

/** Options of {@linkcode SerialConsole.waitFor}. */
export interface ConsoleWaitOptions {
  /** Seconds until the wait fails; by default, and for `null`, it never does. */
  timeout?: number | null;
  /** Ends the wait with the signal's reason. */
  signal?: AbortSignal;
  /** Whether what was said counts for the next wait too. Default: it does not. */
  keep?: boolean;
}

/** What a guest said that may be its death. */
export interface DeathSign {
  /** The line. */
  readonly line: string;
  /** Whether a kernel says of itself that it panicked. */
  readonly isPanic: boolean;
  /** Where in the console's file the line begins. */
  readonly start: number;
  /** Where in the console's file what was seen of it ends. */
  readonly end: number;
}

interface Wait {
  readonly regexp: RegExp;
  /** Where in the file its match may begin at the earliest. */
  from: number;
  /** Whether what was said counts for the next wait too. */
  readonly keep: boolean;
  /** Its number in the live scanner, once it is there. */
  id: number | undefined;
  resolve(match: Match): void;
  reject(error: unknown): void;
}

/** A scanner, what its patterns are for, and where in the file it began. */
interface Watch {
  readonly scanner: Scanner;
  base: number;
  readonly waits: Map<number, Wait>;
  /** The patterns of death, by their numbers. */
  readonly deaths: Map<number, RegExp>;
}

/** Bytes read at once when the log on disk is read. */
const piece = 1 << 18;
/** Bytes of it searched at first, twice as many the next time, and so on. */
const firstPiece = 1 << 12;
/** Bytes that are cut into lines at once. */
const linesPiece = 1 << 12;
/** Bytes searched before others get their turn. */
const turn = 1 << 22;
/** Bytes before a search that patterns of death may have begun in. */
const lead = 4096;
/** Lines that a message quotes. */
const lastLines = 10;
/** Seconds of silence after which a console's text ends where it ends for now. */
const quiet = 0.2;
/** Characters of a line in a message. */
const longestLine = 1000;

/**
 * A machine's serial console.
 *
 * Every byte goes to the file on disk and once through the scanner, which looks
 * for all that is waited for and for signs of the guest's death at the same
 * time. What memory holds does not grow with what the guest prints.
 *
 * Text is waited for from where the last successful wait ended, so that what
 * came before the call counts. Carriage returns are invisible to patterns. Once
 * the console has been quiet for 0.2 seconds, `$` and `\b` match at the end of
 * what has been said, so that `/login: $/` finds a prompt. Whoever else writes to
 * the console, such as the kernel, may do so in the middle of a line: a pattern
 * finds a text only where nothing stands within it.
 *
 * A sign of death is no proof: anybody can print it. Who knows more is told of
 * it, and says whether the guest lives or not.
 *
 * @example
 * ```ts
 * const console = new SerialConsole({ machine: "server", path: "server.log", log });
 * const { groups } = await console.waitFor(/Linux version (\S+) /, { timeout: 60 });
 * ```
 */
export class SerialConsole {
  /** Name of the machine. */
  readonly machine: string;
  /** Path of the file that holds every byte. */
  readonly path: string;
  readonly #log: Log;
  readonly #file: ConsoleFile;
  readonly #pending = new Set<Wait>();
  readonly #deathListeners = new Set<(error: GuestDied) => void>();
  readonly #signListeners = new Set<(sign: DeathSign) => void>();
  #dead: readonly RegExp[];
  #madeWatch: Watch | undefined;
  #lines = new LineSplitter();
  /** Bytes fed so far. The file has fewer only if the disk is full. */
  #position = 0;
  #bootStart = 0;
  /** Where the last successful wait ended. */
  #consumed = 0;
  #searches = 0;
  #searching = false;
  #diskFull = false;
  /** The first sign of death that nobody has explained. */
  #sign: DeathSign | undefined;
  #died: GuestDied | undefined;
  /** When it last said something, in milliseconds of this process's clock. */
  #spokeAt = performance.now();
  #cancelPause: (() => void) | undefined;
  #ended = false;
  #closed = false;

  /**
   * Opens the file, empty.
   *
   * @param options Whose console it is, and where it goes.
   * @throws {Error} If the file can't be written.
   */
  constructor(options: ConsoleOptions) {
    this.machine = options.machine;
    this.path = options.path;
    this.#log = options.log;
    this.#dead = options.dead ?? deathPatterns;
    this.#file = new ConsoleFile(options.path);
    this.#log.consoleOpened(this.machine, this.path);
  }

  /** The guest's death, if it has died since its last boot. */
  get died(): GuestDied | undefined {
    return this.#died;
  }

  /** The sign of death that nobody has explained yet, if there is one. */
  get sign(): DeathSign | undefined {
    return this.#sign;
  }

  /**
   * Whether the test means the sign of death: it has waited for that text, or for
   * one after it. Waits for text then go on after the death.
   */
  get isDeathMeant(): boolean {
    return this.#sign !== undefined && this.#consumed > this.#sign.start;
  }

  /** Seconds since the guest last said something. */
  get silence(): number {
    return (performance.now() - this.#spokeAt) / 1000;
  }

  /**
   * Tells of each sign of death that the guest gives.
   *
   * @param listener Called with the sign. It, or somebody later, is to call
   * {@linkcode SerialConsole.die} or {@linkcode SerialConsole.live}.
   * @returns A function that takes the listener away.
   */
  onSign(listener: (sign: DeathSign) => void): () => void {
    this.#signListeners.add(listener);
    return () => void this.#signListeners.delete(listener);
  }

  /**
   * Tells of the guest's death, now if it is dead already.
   *
   * @param listener Called with the error that pending waits fail with.
   * @returns A function that takes the listener away.
   */
  onDeath(listener: (error: GuestDied) => void): () => void {
    this.#deathListeners.add(listener);
    if (this.#died !== undefined) listener(this.#died);
    return () => void this.#deathListeners.delete(listener);
  }

  /**
   * Changes what may be the guest's death from now on, and forgets a death that
   * has been seen.
   *
   * @param patterns The patterns; none if the test means the guest to die.
   */
  setDead(patterns: readonly RegExp[]): void {
    this.#dead = patterns;
    this.live();
    if (this.#closed) return;
    const watch = this.#madeWatch;
    if (watch !== undefined) {
      for (const id of watch.deaths.keys()) watch.scanner.delete(id);
      watch.deaths.clear();
      this.#addDeaths(watch);
    }
    if (this.#searching) this.#search();
  }

  /**
   * The guest is dead: waits for its text fail, but for those of a test that
   * means it. Where no text may be the guest's death, nothing is.
   *
   * @param sign What the guest said, where that has been explained in between;
   * or what to say of one that has given no sign itself.
   */
  die(sign: DeathSign | string = "it said so on its console"): void {
    if (this.#died !== undefined || this.#dead.length === 0) return;
    if (typeof sign !== "string") this.#sign ??= sign;
    const { line = String(sign), end = this.#file.length } = this.#sign ?? {};
    // The lines end with what it said: a trace may follow.
    const last = this.#linesBefore(end, lastLines);
    this.#died = new GuestDied(this.machine, line, last);
    this.#failHopeless();
    for (const listener of [...this.#deathListeners]) listener(this.#died);
  }

  /**
   * The guest lives, whatever it said: its shell has answered, or it was reset
   * and boots again. Unlike after {@linkcode SerialConsole.reset}, what it said still
   * counts.
   */
  live(): void {
    this.#died = this.#sign = undefined;
  }

  /**
   * Takes the next bytes from the console. They may be reused after the call.
   *
   * @param chunk Bytes, cut anywhere.
   */
  feed(chunk: Uint8Array): void {
    // A hypervisor that is being killed may still have a last word.
    if (chunk.length === 0 || this.#closed) return;
    this.#store(chunk);
    const matches = this.#watch.scanner.scan(chunk);
    this.#position += chunk.length;
    this.#spokeAt = performance.now();
    // Lines hold on to the text that they were cut from, as long as a report or
    // the terminal has one of them: so that text is small.
    for (let at = 0; at < chunk.length; at += linesPiece) {
      for (
        const line of this.#lines.push(chunk.subarray(at, at + linesPiece))
      ) {
        this.#log.consoleLine(this.machine, line);
      }
    }
    this.#take(this.#watch, matches, true);
    this.#awaitPause();
  }

  /** The console is closed: waits that are not fulfilled fail. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endLines();
    const watch = this.#madeWatch;
    if (watch !== undefined) this.#take(watch, watch.scanner.finish(), true);
    this.#failHopeless();
  }

  /**
   * A new boot begins: its text starts anew. The file keeps what it has. Waits
   * that are pending go on, for what the new boot says.
   */
  reset(): void {
    if (this.#closed) return;
    this.#endLines();
    this.#lines = new LineSplitter();
    this.#bootStart = this.#consumed = this.#position;
    this.live();
    this.#ended = false;
    this.#searches++;
    this.#searching = false;
    this.#madeWatch?.scanner[Symbol.dispose]();
    this.#madeWatch = undefined;
    for (const wait of this.#pending) {
      wait.from = this.#position;
      this.#addWait(this.#watch, wait);
    }
  }

  /**
   * Ends the console for good and closes the file. What it holds can still be
   * read and waited for.
   */
  close(): void {
    if (this.#closed) return;
    this.end();
    this.#closed = true;
    this.#searches++;
    this.#searching = false;
    this.#failHopeless();
    this.#madeWatch?.scanner[Symbol.dispose]();
    this.#file.close();
  }

  /** See {@linkcode SerialConsole.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Waits for text to appear, also over the ends of lines. What has appeared
   * since the last successful wait counts.
   *
   * @param pattern A regular expression; a string is the source of one, in which
   * `^` and `$` mean the begin and the end of a line.
   * @param options How long to wait.
   * @returns The match. It is the first that there is, which ends as soon as it
   * can: a `\w+` at the end of a pattern is one letter. V8 looks for its capture
   * groups when they are asked for, which may take long.
   * @throws {TestFailure} If the time is over.
   * @throws {GuestDied} If the guest died and has not said it.
   * @throws {MachineError} If the console is closed and it was not said.
   * @throws {UsageError} If the pattern or the timeout is not valid.
   */
  async waitFor(
    pattern: RegExp | string,
    options: ConsoleWaitOptions = {},
  ): Promise<Match> {
    const { timeout, signal, keep = false } = options;
    const regexp = compilePattern(pattern, "m");
    checkTimeout(timeout);
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Match>();
    const wait: Wait = {
      regexp,
      from: this.#consumed,
      keep,
      id: undefined,
      resolve,
      reject,
    };
    let cancel = () => {};
    const abort = () => this.#fail(wait, signal!.reason);
    try {
      this.#pending.add(wait);
      const live = wait.from === this.#position && !this.#searching &&
        !this.#isOver;
      if (live) this.#addWait(this.#watch, wait);
      else this.#search();
      signal?.addEventListener("abort", abort);
      this.#awaitPause();
      if (timeout !== undefined && timeout !== null) {
        cancel = after(
          timeout,
          () => this.#fail(wait, this.#timedOut(wait, timeout)),
        );
      }
      return await promise;
    } catch (error) {
      // It was made in a timer, where no stack leads to who waits.
      if (error instanceof TestFailure) Error.captureStackTrace(error);
      throw error;
    } finally {
      cancel();
      signal?.removeEventListener("abort", abort);
    }
  }

  /**
   * Everything since the last boot, read from disk: without carriage returns,
   * without white space at the ends of lines.
   *
   * @returns The lines, joined by `\n`.
   */
  text(): string {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const buffer = new Uint8Array(piece);
    const lines: string[] = [];
    let rest = "";
    for (let at = this.#bootStart;;) {
      const bytes = this.#file.read(at, buffer);
      at += bytes.length;
      rest += bytes.length > 0
        ? decoder.decode(bytes, { stream: true })
        : decoder.decode();
      const cut = rest.split("\n");
      rest = cut.pop()!;
      for (const line of cut) lines.push(clean(line));
      if (bytes.length === 0) break;
    }
    if (rest !== "") lines.push(clean(rest));
    return lines.join("\n");
  }

  /**
   * The last lines since the last boot that are not empty, harmless for a
   * terminal. Of a line of more than 1000 characters the middle is left out.
   *
   * @param lines How many at most. Default: 10.
   * @returns The lines, oldest first.
   */
  tail(lines: number = lastLines): string[] {
    return this.#linesBefore(this.#file.length, lines);
  }

  /** How many bytes it has said, since before the first boot. */
  get position(): number {
    return this.#position;
  }

  /**
   * The lines since a place that are not empty, harmless for a terminal. Of a
   * line of more than 1000 characters the middle is left out, and of more than
   * 64 KiB the beginning.
   *
   * @param position What {@linkcode SerialConsole.position} was there.
   * @returns The lines, oldest first.
   */
  linesSince(position: number): string[] {
    return this.#linesBefore(this.#file.length, Infinity, position);
  }

  #linesBefore(
    end: number,
    lines: number,
    since: number = this.#bootStart,
  ): string[] {
    const from = Math.max(this.#bootStart, since, end - (1 << 16));
    const bytes = this.#file.read(
      from,
      new Uint8Array(Math.max(0, end - from)),
    );
    return harmless(new TextDecoder().decode(bytes)).split("\n")
      .map((line) => line.trimEnd())
      .filter((line) => line !== "")
      .slice(-lines)
      .map((line) => shortened(line, longestLine));
  }

  #store(chunk: Uint8Array): void {
    if (this.#diskFull) return;
    try {
      this.#file.append(chunk);
    } catch (error) {
      this.#diskFull = true;
      const why = error instanceof Error ? error.message : String(error);
      this.#log.error(
        `the console of ${this.machine} is no longer kept in ${this.path}: ${why}`,
        { machine: this.machine },
      );
    }
  }

  #endLines(): void {
    for (const line of this.#lines.finish()) {
      this.#log.consoleLine(this.machine, line);
    }
  }

  /**
   * What looks at the bytes as they come; made when there are some, since that
   * takes longer than to start a machine.
   */
  get #watch(): Watch {
    return this.#madeWatch ??= this.#watchFrom(this.#position);
  }

  #watchFrom(base: number): Watch {
    const watch: Watch = {
      scanner: new Scanner({ skipCarriageReturns: true }),
      base,
      waits: new Map(),
      deaths: new Map(),
    };
    this.#addDeaths(watch);
    return watch;
  }

  #addDeaths(watch: Watch): void {
    for (const pattern of this.#dead) {
      watch.deaths.set(watch.scanner.add(pattern), pattern);
    }
  }

  #addWait(watch: Watch, wait: Wait): void {
    const id = watch.scanner.add(wait.regexp, { text: true, once: true });
    watch.waits.set(id, wait);
    if (watch === this.#madeWatch) wait.id = id;
  }

  /** Whether nothing that is waited for will be said any more. */
  get #isOver(): boolean {
    return this.#ended || this.#died !== undefined && !this.isDeathMeant;
  }

  /** Has the end of what was said count as an end once nothing more comes. */
  #awaitPause(): void {
    if (this.#pending.size === 0 || this.#cancelPause !== undefined) return;
    this.#cancelPause = after(Math.max(0, quiet - this.silence), () => {
      this.#cancelPause = undefined;
      if (this.#pending.size === 0 || this.#ended) return;
      const watch = this.#madeWatch;
      if (this.silence < quiet || this.#searching) this.#awaitPause();
      else if (watch) this.#take(watch, watch.scanner.pause(), true);
    });
  }

  /** Acts on what a scanner found. */
  #take(watch: Watch, matches: Match[], live: boolean): void {
    const deaths: Match[] = [];
    for (const match of matches) {
      const wait = watch.waits.get(match.id);
      if (wait !== undefined) this.#fulfil(wait, match, watch);
      else if (live && watch.deaths.has(match.id)) deaths.push(match);
    }
    // What was said before the sign, in the same breath, was said. One sign is
    // enough to look at the guest.
    deaths.some(({ id, end }) =>
      this.#suspect(watch.base + end, watch.deaths.get(id)!)
    );
  }

  /** Tells of a sign of death, if what stands before `end` is one. */
  #suspect(end: number, pattern: RegExp): boolean {
    const from = Math.max(this.#bootStart, end - lead);
    // None where the disk is full.
    const bytes = this.#file.read(from, new Uint8Array(end - from));
    const last = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
    const first = last === 0 ? 0 : bytes.lastIndexOf(10, last - 1) + 1;
    const text = new TextDecoder().decode(bytes.subarray(first, last))
      .replaceAll("\r", "");
    if (!this.#diskFull && !isSign(text, pattern)) return false;
    const line = shortened(harmless(text).trim(), longestLine) ||
      "it said so on its console";
    const start = from + first;
    const sign = { line, isPanic: isPanic(line), start, end };
    this.#sign ??= sign;
    if (this.#died === undefined) {
      for (const listener of [...this.#signListeners]) listener(sign);
    }
    return true;
  }

  #fulfil(wait: Wait, match: Match, watch: Watch): void {
    watch.waits.delete(match.id);
    if (!this.#pending.has(wait)) return;
    this.#forget(wait);
    if (!wait.keep) {
      this.#consumed = Math.max(this.#consumed, watch.base + match.end);
    }
    wait.resolve(match);
  }

  #fail(wait: Wait, error: unknown): void {
    if (!this.#pending.has(wait)) return;
    this.#forget(wait);
    wait.reject(error);
  }

  #forget(wait: Wait): void {
    this.#pending.delete(wait);
    if (this.#pending.size === 0) {
      this.#cancelPause?.();
      this.#cancelPause = undefined;
    }
    if (wait.id === undefined) return;
    this.#watch.scanner.delete(wait.id);
    this.#watch.waits.delete(wait.id);
  }

  /** Fails what can't be fulfilled any more. A wait whose search goes on still can. */
  #failHopeless(): void {
    if (!this.#isOver) return;
    for (const wait of [...this.#pending]) {
      if (this.#searching && wait.id === undefined) continue;
      this.#fail(
        wait,
        this.isDeathMeant
          ? this.#unsaid(wait)
          : this.#died ?? this.#unsaid(wait),
      );
    }
  }

  #unsaid(wait: Wait): MachineError {
    return new MachineError(
      `the console of ${this.machine} is closed and did not say ${wait.regexp}${this.#last()}`,
    );
  }

  #timedOut(wait: Wait, timeout: number): TestFailure {
    return new TestFailure(
      `the console of ${this.machine} did not say ${wait.regexp} within ${timeout} seconds${this.#last()}`,
    );
  }

  #last(): string {
    const tail = this.tail();
    return tail.length === 0
      ? "; it said nothing"
      : `; its last lines:\n${tail.map((line) => `  ${line}`).join("\n")}`;
  }

  /** Searches what is on disk for every pending wait. */
  #search(): void {
    const search = ++this.#searches;
    this.#searching = true;
    this.#searchFile(search).catch((error) => {
      if (search !== this.#searches) return;
      this.#searching = false;
      for (const wait of [...this.#pending]) {
        if (wait.id === undefined) this.#fail(wait, error);
      }
      this.#failHopeless();
    });
  }

  /**
   * Reads the file with a scanner that then takes the place of the live one:
   * having read the same bytes, it knows of matches that have only begun. It
   * serves every wait that is pending, so there is one scanner in the end.
   */
  async #searchFile(search: number): Promise<void> {
    const waits = [...this.#pending].sort((a, b) => a.from - b.from);
    const first = Math.min(waits[0]?.from ?? this.#position, this.#position);
    const start = Math.max(this.#bootStart, first - lead);
    const watch = this.#watchFrom(start);
    const buffer = new Uint8Array(piece);
    let added = 0;
    let searched = 0;
    let size = firstPiece;
    for (let at = start;;) {
      while (added < waits.length && waits[added].from <= at) {
        this.#addWait(watch, waits[added++]);
      }
      let stop = Math.min(at + size, this.#file.length);
      size = Math.min(2 * size, piece);
      if (added < waits.length) stop = Math.min(stop, waits[added].from);
      if (stop <= at) break;
      const bytes = this.#file.read(at, buffer.subarray(0, stop - at));
      // The file was cut short by somebody else: what is gone is gone.
      if (bytes.length === 0) break;
      at += bytes.length;
      this.#take(watch, watch.scanner.scan(bytes), false);
      if (waits.every((w) => w.id !== undefined || !this.#pending.has(w))) {
        // Nobody needs more than the live scanner.
        watch.scanner[Symbol.dispose]();
        this.#searching = false;
        this.#failHopeless();
        return;
      }
      searched += bytes.length;
      if (searched >= turn) {
        searched = 0;
        await delay(0);
        if (search !== this.#searches) {
          watch.scanner[Symbol.dispose]();
          return;
        }
      }
    }
    while (added < waits.length) this.#addWait(watch, waits[added++]);
    // Different only if the file lacks bytes.
    watch.base = this.#position - watch.scanner.position;
    this.#searching = false;
    this.#madeWatch?.scanner[Symbol.dispose]();
    this.#madeWatch = watch;
    for (const [id, wait] of watch.waits) {
      wait.id = id;
      if (this.#pending.has(wait)) continue;
      watch.waits.delete(id);
      watch.scanner.delete(id);
    }
    if (this.#ended) this.#take(watch, watch.scanner.finish(), false);
    this.#failHopeless();
  }
}

function clean(line: string): string {
  return line.replaceAll("\r", "").trimEnd();
}
