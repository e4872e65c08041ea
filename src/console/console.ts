import { MachineError, TestFailure } from "../errors.ts";
import type { Log } from "../report/mod.ts";
import { LineSplitter, type Match } from "../scan/mod.ts";
import { after, checkTimeout, delay } from "../time/mod.ts";
import { ConsoleFile } from "./console_file.ts";
import { type DeathSign, DeathSigns, lead } from "./death_signs.ts";
import { deathPatterns, type GuestDied } from "./guest_died.ts";
import { compilePattern } from "./pattern.ts";
import { searchFile } from "./search_file.ts";
import { type Found, type Wait, Watch } from "./watch.ts";

/** Options of {@linkcode SerialConsole}. */
export interface ConsoleOptions {
  /** Name of the machine. */
  machine: string;
  /** Path of the file that gets every byte of the console. It starts empty. */
  path: string;
  /** The log that gets the lines. */
  log: Log;
  /**
   * Text that a guest may print when it dies; empty, if the test expects the
   * guest to die.
   *
   * @default {deathPatterns}
   */
  dead?: readonly RegExp[];
}

/** Options of {@linkcode SerialConsole.waitFor}. */
export interface ConsoleWaitOptions {
  /**
   * Seconds until the wait fails; `null`: no limit.
   *
   * @default {null}
   */
  timeout?: number | null;
  /** Ends the wait with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Whether the next wait may match the same text again.
   *
   * @default {false}
   */
  keep?: boolean;
}

/** A console as it was at one moment, for a guest that goes on from there. */
export interface SavedConsole {
  /** Its text since the last boot; of a longer one the last 16 MiB. */
  readonly text: Uint8Array;
  /** How many bytes of that the last successful wait had consumed. */
  readonly consumed: number;
}

/** Bytes of a saved text at most: many guests may go on from it. */
const mostSaved = 16 * 1024 * 1024;
/** Bytes that are cut into lines at once. */
const linesPiece = 1 << 12;
/** How many lines a message quotes. */
const lastLines = 10;
/**
 * Seconds of silence after which `$` matches at the end of a console's text.
 */
const quiet = 0.2;

/**
 * A machine's serial console.
 *
 * Every byte goes to the file on disk, and once through the scanner, which
 * looks for the texts of all waits and for signs of the guest's death at the
 * same time. The memory that a console takes does not grow with its text.
 *
 * A wait searches from where the last successful wait ended, so it also finds
 * text that came before the call. Carriage returns are invisible to patterns.
 * If the console has been quiet for 0.2 seconds, `$` and `\b` match at the end
 * of its text, so that `/login: $/` finds a prompt. The kernel may write to the
 * console in the middle of another program's line; a pattern does not match a
 * text that is interrupted so.
 *
 * A sign of death is no proof: anybody can print it. The console reports it to
 * a listener, which asks the guest and then calls {@linkcode SerialConsole.die}
 * or {@linkcode SerialConsole.live}.
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
  readonly #signs: DeathSigns;
  #madeWatch: Watch | undefined;
  #lines = new LineSplitter();
  /** Bytes so far. The file has fewer only if the disk is full. */
  #position = 0;
  #bootStart = 0;
  /** Where the last successful wait ended. */
  #consumed = 0;
  #searches = 0;
  #searching = false;
  #diskFull = false;
  /** When the last bytes came, in milliseconds of this process's clock. */
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
    this.#file = new ConsoleFile(options.path);
    this.#signs = new DeathSigns(
      this.machine,
      this.#file,
      options.dead ?? deathPatterns,
    );
    this.#log.consoleOpened(this.machine, this.path);
  }

  /** The guest's death, if it has died since its last boot. */
  get died(): GuestDied | undefined {
    return this.#signs.died;
  }

  /**
   * The first sign of death since the guest was last known to live, if there is
   * one; that of a panic comes before others.
   */
  get sign(): DeathSign | undefined {
    return this.#signs.first;
  }

  /**
   * Whether the test expects the death: it has waited for the text of the sign,
   * or for a later one. Then waits for text go on after the death.
   */
  get isDeathMeant(): boolean {
    return this.sign !== undefined && this.#consumed > this.sign.start;
  }

  /** Seconds since the last bytes came. */
  get #silence(): number {
    return (performance.now() - this.#spokeAt) / 1000;
  }

  /**
   * Calls a listener for each sign of death.
   *
   * @param listener Gets the sign. It must call {@linkcode SerialConsole.die}
   * or {@linkcode SerialConsole.live}.
   * @returns A function that removes the listener.
   */
  onSign(listener: (sign: DeathSign) => void): () => void {
    return this.#signs.onSign(listener);
  }

  /**
   * Calls a listener when the guest dies; at once, if it is dead already.
   *
   * @param listener Gets the error that pending waits fail with.
   * @returns A function that removes the listener.
   */
  onDeath(listener: (error: GuestDied) => void): () => void {
    this.#deathListeners.add(listener);
    if (this.died !== undefined) listener(this.died);
    return () => void this.#deathListeners.delete(listener);
  }

  /**
   * Changes the patterns of death from now on. The guest counts as alive again.
   *
   * @param patterns The patterns; none, if the test expects the guest to die.
   */
  setDead(patterns: readonly RegExp[]): void {
    this.#signs.patterns = patterns;
    this.live();
    if (this.#closed) return;
    this.#madeWatch?.setDead(patterns);
    if (this.#searching) this.#search();
  }

  /**
   * Declares the guest dead: waits for its text fail, unless the test expects
   * the death. Does nothing if there are no patterns of death.
   *
   * @param sign The sign, if {@linkcode SerialConsole.live} may have been
   * called since it came; or what to say about a guest that has given no sign.
   */
  die(sign?: DeathSign | string): void {
    const died = this.#signs.die(sign, this.#bootStart);
    if (died === undefined) return;
    this.#failHopeless();
    for (const listener of [...this.#deathListeners]) listener(died);
  }

  /** What to say of a guest that died by a sign, without declaring it dead. */
  deathBy(sign: DeathSign): GuestDied {
    return this.#signs.deathBy(sign, this.#bootStart);
  }

  /**
   * Declares the guest alive, whatever it has printed: its shell has answered,
   * or it was reset and boots again. Unlike {@linkcode SerialConsole.reset},
   * this keeps the text so far for waits.
   */
  live(): void {
    this.#signs.forget();
  }

  /**
   * Takes the next bytes of the console. The caller may reuse the buffer.
   *
   * @param chunk Bytes, cut anywhere.
   */
  feed(chunk: Uint8Array): void {
    // A hypervisor that is being killed may still write something.
    if (chunk.length === 0 || this.#closed) return;
    this.#store(chunk);
    const found = this.#watch.scan(chunk);
    this.#position += chunk.length;
    this.#spokeAt = performance.now();
    // A line keeps the whole text that it was cut from in memory, as long as a
    // report has the line. So the text is cut into small pieces first.
    for (let at = 0; at < chunk.length; at += linesPiece) {
      for (
        const line of this.#lines.push(chunk.subarray(at, at + linesPiece))
      ) {
        this.#log.consoleLine(this.machine, line);
      }
    }
    this.#take(this.#watch, found, true);
    this.#awaitPause();
  }

  /** Ends the text: waits that have found nothing fail. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endLines();
    const watch = this.#madeWatch;
    if (watch !== undefined) this.#take(watch, watch.finish(), true);
    this.#failHopeless();
  }

  /**
   * Begins the text of a new boot. The file keeps the old text. Pending waits
   * go on, and search the text of the new boot.
   *
   * @param saved The earlier text of a guest that goes on, in place of a boot.
   * The file gets it again, and the log does not.
   */
  reset(saved?: SavedConsole): void {
    if (this.#closed) return;
    this.#endLines();
    this.#lines = new LineSplitter();
    this.#bootStart = this.#consumed = this.#position;
    if (saved !== undefined) {
      this.#store(saved.text);
      this.#position += saved.text.length;
      this.#consumed += saved.consumed;
    }
    this.live();
    this.#ended = false;
    this.#searches++;
    this.#searching = false;
    this.#madeWatch?.[Symbol.dispose]();
    this.#madeWatch = undefined;
    for (const wait of this.#pending) {
      wait.from = this.#position;
      wait.id = this.#watch.add(wait);
    }
  }

  /**
   * Ends the console for good and closes the file. Its text can still be read
   * and searched.
   */
  close(): void {
    if (this.#closed) return;
    this.end();
    this.#closed = true;
    this.#searches++;
    this.#searching = false;
    this.#failHopeless();
    this.#madeWatch?.[Symbol.dispose]();
    this.#file.close();
  }

  /** See {@linkcode SerialConsole.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Waits until text appears, which may go over the ends of lines. Text since
   * the last successful wait counts.
   *
   * @param pattern A regular expression; a string is the source of one, in which
   * `^` and `$` mean the begin and the end of a line.
   * @param options How long to wait.
   * @returns The match. It is the first that there is, which ends as soon as it
   * can: a `\w+` at the end of a pattern is one letter. V8 looks for its capture
   * groups when they are asked for, which may take long.
   * @throws {TestFailure} If the timeout passes first.
   * @throws {GuestDied} If the guest dies first.
   * @throws {MachineError} If the console ends first.
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
      if (live) wait.id = this.#watch.add(wait);
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
      // A timer has made the error, so its stack does not lead to the caller.
      if (error instanceof TestFailure) Error.captureStackTrace(error);
      throw error;
    } finally {
      cancel();
      signal?.removeEventListener("abort", abort);
    }
  }

  /**
   * Reads text from disk, without carriage returns and without white space at
   * the ends of lines.
   *
   * @param since An earlier value of {@linkcode SerialConsole.position}. Default:
   * that of the last boot.
   * @returns The lines, joined by `\n`.
   */
  text(since: number = this.#bootStart): string {
    return this.#file.text(since);
  }

  /**
   * The last lines since the last boot that are not empty, safe for a terminal.
   * It leaves out the middle of a line of more than 1000 characters.
   *
   * @param lines How many at most. Default: 10.
   * @returns The lines, oldest first.
   */
  tail(lines: number = lastLines): string[] {
    return this.#linesBefore(this.#file.length, lines);
  }

  /** The console's state, for a guest that goes on from here. */
  save(): SavedConsole {
    const from = Math.max(this.#bootStart, this.#file.length - mostSaved);
    const length = Math.max(0, this.#file.length - from);
    return {
      text: this.#file.read(from, new Uint8Array(length)),
      consumed: Math.max(0, this.#consumed - from),
    };
  }

  /** How many bytes have come, those of earlier boots too. */
  get position(): number {
    return this.#position;
  }

  /**
   * The lines after a position that are not empty, safe for a terminal. It
   * leaves out the middle of a line of more than 1000 characters, and the
   * beginning of a text of more than 64 KiB.
   *
   * @param position An earlier value of {@linkcode SerialConsole.position}.
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
    return this.#file.lines(Math.max(this.#bootStart, since), end, lines);
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
   * Searches the bytes as they come. It is made for the first bytes, because
   * that takes longer than the start of a machine.
   */
  get #watch(): Watch {
    return this.#madeWatch ??= new Watch(this.#position, this.#signs.patterns);
  }

  /** Whether no wait can find anything any more. */
  get #isOver(): boolean {
    return this.#ended || this.died !== undefined && !this.isDeathMeant;
  }

  /** Lets `$` match at the end of the text as soon as the console is quiet. */
  #awaitPause(): void {
    if (this.#pending.size === 0 || this.#cancelPause !== undefined) return;
    this.#cancelPause = after(Math.max(0, quiet - this.#silence), () => {
      this.#cancelPause = undefined;
      if (this.#pending.size === 0 || this.#ended) return;
      const watch = this.#madeWatch;
      if (this.#silence < quiet || this.#searching) this.#awaitPause();
      else if (watch) this.#take(watch, watch.pause(), true);
    });
  }

  /** Acts on what a watch has found; on signs of death, if it is live. */
  #take(watch: Watch, { waits, deaths }: Found, live: boolean): void {
    for (const { wait, match } of waits) this.#fulfil(wait, match, watch);
    // Waits come first: text that came before a sign, in the same bytes, counts.
    if (!live || deaths.length === 0) return;
    this.#signs.take(
      deaths.map(({ pattern, match }) => ({
        pattern,
        end: watch.base + match.end,
      })),
      { since: this.#bootStart, isWhole: !this.#diskFull },
    );
  }

  #fulfil(wait: Wait, match: Match, watch: Watch): void {
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
    this.#watch.delete(wait.id);
  }

  /**
   * Fails the waits that can't find anything any more. A wait whose search in
   * the file goes on still can.
   */
  #failHopeless(): void {
    if (!this.#isOver) return;
    for (const wait of [...this.#pending]) {
      if (this.#searching && wait.id === undefined) continue;
      this.#fail(
        wait,
        this.isDeathMeant
          ? this.#unsaid(wait)
          : this.died ?? this.#unsaid(wait),
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

  /** Searches the file for every pending wait. */
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
   * Reads the file with a new watch, which then replaces the live one: as it
   * has read the same bytes, it knows the matches that have only begun. It
   * serves all pending waits, so that there is one watch in the end.
   */
  async #searchFile(search: number): Promise<void> {
    const waits = [...this.#pending].sort((a, b) => a.from - b.from);
    const first = Math.min(waits[0]?.from ?? this.#position, this.#position);
    const start = Math.max(this.#bootStart, first - lead);
    using steps = searchFile(
      this.#file,
      new Watch(start, this.#signs.patterns),
      waits,
      {
        found: (watch, found) => this.#take(watch, found, false),
        isPending: (wait) => this.#pending.has(wait),
      },
    );
    let step = steps.next();
    // Other code runs meanwhile, but not before the first pause.
    while (!step.done) {
      await delay(0);
      if (search !== this.#searches) return;
      step = steps.next();
    }
    this.#searching = false;
    const watch = step.value;
    if (watch !== undefined) this.#replaceWatch(watch);
    this.#failHopeless();
  }

  /** Makes a watch that has read all bytes of the file the live one. */
  #replaceWatch(watch: Watch): void {
    // The two differ only if the file lacks bytes.
    watch.base = this.#position - watch.length;
    this.#madeWatch?.[Symbol.dispose]();
    this.#madeWatch = watch;
    for (const [id, wait] of watch.waits) {
      wait.id = id;
      if (!this.#pending.has(wait)) watch.delete(id);
    }
    if (this.#ended) this.#take(watch, watch.finish(), false);
  }
}
