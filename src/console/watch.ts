import { type Match, Scanner } from "../scan/mod.ts";

/** The text of a wait. */
export interface Wait {
  /** The pattern of the text. */
  readonly regexp: RegExp;
  /** Where in the console's file its match may begin at the earliest. */
  from: number;
  /** Whether the next wait may match the same text again. */
  readonly keep: boolean;
  /** Its number in the watch of the bytes as they come, as soon as it has one. */
  id: number | undefined;
  resolve(match: Match): void;
  reject(error: unknown): void;
}

/** What a watch has found. */
export interface Found {
  /** The matches of waits. */
  readonly waits: readonly { readonly wait: Wait; readonly match: Match }[];
  /** The matches of patterns of death. */
  readonly deaths: readonly {
    readonly pattern: RegExp;
    readonly match: Match;
  }[];
}

const NOTHING: Found = { waits: [], deaths: [] };

/**
 * Searches one stretch of a console's text, in one pass, for the texts of waits
 * and for signs of death.
 */
export class Watch implements Disposable {
  /** Where in the console's file the stretch begins. */
  base: number;
  readonly #scanner = new Scanner({ skipCarriageReturns: true });
  readonly #waits = new Map<number, Wait>();
  readonly #deaths = new Map<number, RegExp>();

  /** Begins at a place of the file, with patterns of death. */
  constructor(base: number, dead: readonly RegExp[]) {
    this.base = base;
    this.setDead(dead);
  }

  /** Bytes that were searched. */
  get length(): number {
    return this.#scanner.position;
  }

  /** The waits that have found nothing, by their numbers. */
  get waits(): ReadonlyMap<number, Wait> {
    return this.#waits;
  }

  /** Changes the patterns of death from now on. */
  setDead(patterns: readonly RegExp[]): void {
    for (const id of this.#deaths.keys()) this.#scanner.delete(id);
    this.#deaths.clear();
    for (const pattern of patterns) {
      this.#deaths.set(this.#scanner.add(pattern), pattern);
    }
  }

  /** Searches for a wait's text from here on. Returns the wait's number. */
  add(wait: Wait): number {
    const id = this.#scanner.add(wait.regexp, { text: true, once: true });
    this.#waits.set(id, wait);
    return id;
  }

  /** Searches for a wait's text no longer. */
  delete(id: number): void {
    this.#scanner.delete(id);
    this.#waits.delete(id);
  }

  /** Searches the next bytes. */
  scan(bytes: Uint8Array): Found {
    return this.#sort(this.#scanner.scan(bytes));
  }

  /** Finds what matches because the text has paused here. */
  pause(): Found {
    return this.#sort(this.#scanner.pause());
  }

  /** Finds what matches because the text ends here. */
  finish(): Found {
    return this.#sort(this.#scanner.finish());
  }

  /** Frees the memory of the search. */
  [Symbol.dispose](): void {
    this.#scanner[Symbol.dispose]();
  }

  #sort(matches: readonly Match[]): Found {
    if (matches.length === 0) return NOTHING;
    const waits: { wait: Wait; match: Match }[] = [];
    const deaths: { pattern: RegExp; match: Match }[] = [];
    for (const match of matches) {
      const wait = this.#waits.get(match.id);
      const pattern = this.#deaths.get(match.id);
      if (wait !== undefined) {
        this.#waits.delete(match.id);
        waits.push({ wait, match });
      } else if (pattern !== undefined) deaths.push({ pattern, match });
    }
    return { waits, deaths };
  }
}
