import type { Match, PatternOptions } from "./match.ts";
import { capture, type Captured } from "./capture.ts";
import { compile, type Program } from "./program.ts";
import { RetainedSearch } from "./retained_search.ts";
import { NotRegular } from "./syntax.ts";
import { Tail } from "./tail.ts";
import { unfinishedTail } from "./utf8.ts";
import { pieces, pieceSize, store, wasm, wordsAt, writeInput } from "./wasm.ts";

/** How a {@linkcode Scanner} reads its stream. */
export interface ScannerOptions {
  /**
   * Whether `\r` is invisible to patterns, as on a serial console that ends its
   * lines with `\r\n`. Offsets count these bytes too.
   *
   * @default {false}
   */
  skipCarriageReturns?: boolean;
  /**
   * How many of the last bytes the scanner keeps, to find where matches start
   * and for patterns that only V8 can match.
   *
   * @default {65536}
   */
  window?: number;
}

// Frees the memory of scanners that nobody has disposed of.
const abandoned = new FinalizationRegistry((set: number) => wasm.freeSet(set));

/**
 * Searches a stream of bytes for a changing set of patterns, in one pass and
 * in linear time, whatever the patterns and however the stream is cut.
 *
 * The scanner searches for a pattern from the position where it was added. A
 * pattern sees the stream as text, with U+FFFD for bytes that are not UTF-8.
 * Only `^` and `\b` look at the text before that position; without `m`, `^` is
 * the stream's beginning. The first match is the one that ends first, and the
 * next one begins where that ended.
 *
 * Finite automata can't match look-around and back-references. V8 searches for
 * patterns with those, with classes of the `v` flag or with thousands of
 * repetitions, after each chunk and in the last `window` bytes. So their
 * matches are V8's own, may take long, and may depend on how the stream is cut.
 * If such a pattern looks at the text after a match, a match at the end of the
 * bytes so far is uncertain: the scanner reports it when more bytes have come,
 * or when the stream pauses or ends.
 *
 * @example
 * ```ts
 * using scanner = new Scanner({ skipCarriageReturns: true });
 * const prompt = scanner.add(/^(\w+) login: /m, { text: true });
 * for await (const chunk of serial) {
 *   for (const match of scanner.scan(chunk)) {
 *     if (match.id === prompt) console.log("up:", match.groups?.[1]);
 *   }
 * }
 * ```
 */
export class Scanner {
  readonly #skipReturns: boolean;
  readonly #tail: Tail;
  readonly #retained: RetainedSearch;
  readonly #captured = new Map<number, Captured>();
  readonly #once = new Set<number>();
  #set: number;
  #position = 0;
  #lastId = 0;

  /** Begins a stream, with no patterns. */
  constructor(options: ScannerOptions = {}) {
    this.#skipReturns = options.skipCarriageReturns ?? false;
    this.#tail = new Tail(options.window ?? 65536);
    this.#retained = new RetainedSearch(this.#skipReturns);
    this.#set = wasm.newSet(Number(this.#skipReturns));
    abandoned.register(this, this.#set, this);
  }

  /** How many bytes have been scanned so far. */
  get position(): number {
    return this.#position;
  }

  /**
   * Searches for a pattern from the current position on, and returns the number
   * that its matches bear. A string is the source of a regular expression
   * without flags. The flags `g` and `d` mean nothing here; with `y`, a match
   * must begin right where the pattern was added or last matched.
   *
   * @throws {SyntaxError} If the string is no regular expression
   */
  add(pattern: RegExp | string, options: PatternOptions = {}): number {
    const regexp = typeof pattern === "string" ? new RegExp(pattern) : pattern;
    const id = this.#lastId + 1;
    const { text = false, once = false } = options;
    const program = programOf(regexp);
    // A character of which only the beginning has come is part of the new
    // search.
    const from = this.#position - unfinishedTail(this.#tail.bytes);
    if (program === undefined) {
      this.#retained.add(id, regexp, text, from);
    } else {
      if (text) this.#captured.set(id, { regexp, from });
      const { words, needles } = program;
      wasm.addPattern(
        this.#live,
        id,
        store(words),
        needles ? store(needles) : 0,
      );
    }
    if (once) this.#once.add(id);
    return this.#lastId = id;
  }

  /** Searches for a pattern no longer. */
  delete(id: number): void {
    this.#retained.delete(id);
    this.#captured.delete(id);
    this.#once.delete(id);
    wasm.deletePattern(this.#live, id);
  }

  /**
   * Takes the next bytes, and does not keep them. Returns the matches that are
   * certain by now, in the order of their ends.
   */
  scan(chunk: Uint8Array): Match[] {
    if (chunk.length <= pieceSize) return this.#scan(chunk, false);
    const matches: Match[] = [];
    for (const piece of pieces(chunk)) {
      for (const match of this.#scan(piece, false)) matches.push(match);
    }
    return matches;
  }

  /**
   * Ends the stream. Returns the matches that depend on its end (`$`, `\b`).
   */
  finish(): Match[] {
    return this.#scan(new Uint8Array(0), true);
  }

  /**
   * Returns the matches that depend on the stream's end (`$`, `\b`) as if the
   * stream ended here. The stream may go on; it has only paused. Within a
   * character there are no such matches. If the stream goes on, the scanner may
   * report a match at this place again, unless its pattern has the option
   * `once`.
   */
  pause(): Match[] {
    if (unfinishedTail(this.#tail.bytes) > 0) return [];
    return this.#scan(new Uint8Array(0), true);
  }

  /** Frees the memory that the scanner holds. */
  [Symbol.dispose](): void {
    if (this.#set === 0) return;
    abandoned.unregister(this);
    wasm.freeSet(this.#set);
    this.#set = 0;
  }

  get #live(): number {
    if (this.#set === 0) throw new TypeError("The scanner was disposed of");
    return this.#set;
  }

  /** Whether some pattern needs earlier bytes of the stream. */
  get #looksBack(): boolean {
    return this.#captured.size + this.#retained.size > 0;
  }

  #scan(piece: Uint8Array, final: boolean): Match[] {
    const set = this.#live;
    if (this.#looksBack) this.#tail.append(piece);
    else this.#tail.skip(piece);
    writeInput(piece);
    const count = wasm.scan(set, piece.length, Number(final));
    const found: Match[] = [];
    if (count > 0) {
      const events = wordsAt(wasm.eventAddress(set), count * 2);
      for (let i = 0; i < events.length; i += 2) {
        const end = this.#position + (events[i + 1] | 0);
        found.push({ id: events[i], end });
      }
    }
    this.#position += piece.length;
    if (this.#retained.size > 0) {
      for (const match of this.#retained.search(this.#tail, final)) {
        found.push(match);
      }
      found.sort((a, b) => a.end - b.end);
    }
    const over = new Set<number>();
    const matches = found.filter(({ id }) => {
      if (over.has(id)) return false;
      if (this.#once.has(id)) over.add(id);
      return true;
    });
    for (const match of matches) {
      const captured = this.#captured.get(match.id);
      if (captured === undefined) continue;
      capture(match, captured, this.#tail, this.#skipReturns, final);
      captured.from = match.end;
    }
    for (const id of over) this.delete(id);
    return matches;
  }
}

/** The programs of patterns that scanners have had. */
const programs = new WeakMap<RegExp, Program | "not regular">();

/** The program of a pattern, or undefined if only V8 can match it. */
function programOf(regexp: RegExp): Program | undefined {
  let program = programs.get(regexp);
  if (program === undefined) {
    program = compiled(regexp);
    programs.set(regexp, program);
  }
  return program === "not regular" ? undefined : program;
}

function compiled(regexp: RegExp): Program | "not regular" {
  try {
    return compile(regexp);
  } catch (error) {
    if (error instanceof NotRegular) return "not regular";
    throw error;
  }
}
