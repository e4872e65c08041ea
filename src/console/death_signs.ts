import { shortened } from "../report/shortened.ts";
import { harmless } from "../scan/mod.ts";
import { type ConsoleFile, LONGEST_LINE } from "./console_file.ts";
import { GuestDied, isPanic, isSign } from "./guest_died.ts";

/** Bytes before the begin of a search in which a sign of death may begin. */
export const lead = 4096;
/** How many lines of the console the message of a death quotes. */
const quotedLines = 5;
/** The words for a guest that has given no sign. */
const unquoted = "it said so on its console";

/** A line of a guest that may mean its death. */
export interface DeathSign {
  /** The line. */
  readonly line: string;
  /** Whether the line says that the kernel panicked. */
  readonly isPanic: boolean;
  /** Where in the console's file the line begins. */
  readonly start: number;
  /** Where in the console's file the match in the line ends. */
  readonly end: number;
}

/** Where a pattern of death has matched. */
export interface DeathMatch {
  /** The pattern. */
  readonly pattern: RegExp;
  /** Where in the console's file the match ends. */
  readonly end: number;
}

/** The signs of its death that a guest has given, and its death. */
export class DeathSigns {
  /** Text that a guest may print when it dies. */
  patterns: readonly RegExp[];
  readonly #machine: string;
  readonly #file: ConsoleFile;
  readonly #listeners = new Set<(sign: DeathSign) => void>();
  #first: DeathSign | undefined;
  #died: GuestDied | undefined;

  /** Takes the machine's name, the file of its console, and the patterns. */
  constructor(
    machine: string,
    file: ConsoleFile,
    patterns: readonly RegExp[],
  ) {
    this.#machine = machine;
    this.#file = file;
    this.patterns = patterns;
  }

  /** The guest's death, if it has died. */
  get died(): GuestDied | undefined {
    return this.#died;
  }

  /**
   * The first sign since the guest was last known to live; of a panic, if there
   * is one.
   */
  get first(): DeathSign | undefined {
    return this.#first;
  }

  /**
   * Calls a listener for each sign.
   *
   * @returns A function that removes the listener.
   */
  onSign(listener: (sign: DeathSign) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Takes what the patterns have found. One sign is enough to look at the guest,
   * but a panic tells more.
   *
   * @param place.since Where in the file the text of the guest begins.
   * @param place.isWhole Whether the file has all of the text.
   */
  take(
    matches: readonly DeathMatch[],
    place: { since: number; isWhole: boolean },
  ): void {
    let found = false;
    for (const { pattern, end } of matches) {
      const tellsPanic = isPanic(pattern.source);
      if (found && !tellsPanic) continue;
      if (!this.#suspect(end, pattern, place)) continue;
      if (tellsPanic) break;
      found = true;
    }
  }

  /** Reports a sign, if the line before `end` is one. */
  #suspect(
    end: number,
    pattern: RegExp,
    { since, isWhole }: { since: number; isWhole: boolean },
  ): boolean {
    const from = Math.max(since, end - lead);
    // There are none if the disk is full.
    const bytes = this.#file.read(from, new Uint8Array(end - from));
    const last = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
    const first = last === 0 ? 0 : bytes.lastIndexOf(10, last - 1) + 1;
    const text = new TextDecoder().decode(bytes.subarray(first, last))
      .replaceAll("\r", "");
    if (isWhole && !isSign(text, pattern)) return false;
    const line = shortened(harmless(text).trim(), LONGEST_LINE) || unquoted;
    const sign = { line, isPanic: isPanic(line), start: from + first, end };
    // A panic is the end, whatever came before it and is not yet decided.
    if (this.#first === undefined || (sign.isPanic && !this.#first.isPanic)) {
      this.#first = sign;
    }
    if (this.#died === undefined) {
      for (const listener of [...this.#listeners]) listener(sign);
    }
    return true;
  }

  /**
   * Declares the guest dead.
   *
   * @param sign The sign, if the guest may have been declared alive since it
   * came; or what to say about a guest that has given no sign, which by
   * default has said so.
   * @param since Where in the file the text of the guest begins.
   * @returns The death; nothing if the guest is dead already, or if there are no
   * patterns.
   */
  die(
    sign: DeathSign | string | undefined,
    since: number,
  ): GuestDied | undefined {
    if (this.#died !== undefined || this.patterns.length === 0) return;
    if (typeof sign !== "string") this.#first ??= sign;
    const line = typeof sign === "string" ? sign : unquoted;
    const end = this.#file.length;
    return this.#died = this.deathBy(this.#first ?? { line, end }, since);
  }

  /**
   * What to say of a guest that died by a sign.
   *
   * @param since Where in the file the text of the guest begins.
   */
  deathBy(
    { line, end }: Pick<DeathSign, "line" | "end">,
    since: number,
  ): GuestDied {
    // The quoted lines end with the sign, because a long trace may follow it.
    const last = this.#file.lines(since, end, quotedLines);
    return new GuestDied(this.#machine, line, last);
  }

  /** Declares the guest alive, whatever it has printed. */
  forget(): void {
    this.#died = this.#first = undefined;
  }
}
