// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// The patterns of one stream, their states and prefilter, and the place in the
// stream.

import { Automaton, newAutomaton } from "./automaton.ts";
import { classify } from "./classes.ts";
import { Events, newEvents } from "./events.ts";
import { newPrefilter, Prefilter } from "./needles.ts";
import { newPatternList, Pattern, PatternList } from "./patterns.ts";
import { newPosition, Position } from "./position.ts";
import { AFTER_LINE, AT_START, CROSSES_LINES } from "./program.ts";
import { newStateCache, ROW, StateCache, stateOf } from "./states.ts";
import { newText, Text } from "./text.ts";
import { newVector, Vector, zeroed } from "./vector.ts";

@unmanaged
export class PatternSet {
  /** Whether the search skips `\r`. */
  skipReturns: bool;
  patterns: PatternList;
  /** The class of each of 256 bytes. */
  classes: usize;
  automaton: Automaton;
  cache: StateCache;

  /** Memory for the two positions of a transition that is made. */
  from: Position;
  to: Position;

  /** The text of the current piece, and the matches in it. */
  text: Text;
  events: Events;

  /** The current state, as a row; 0 at first. */
  row: u32;
  /** The context of the character before. */
  context: u32;
  /** The incomplete character at the end of the last piece. */
  carry: u32;
  carried: u32;
  /**
   * Where the last visible character before the next piece ended (0 or less).
   */
  visibleEnd: i32;
  /** The offset in the piece at which the cache was last emptied because it was full. */
  flushedAt: isize;

  /** The prefilter (needles.ts); null if some pattern has no needles. */
  prefilter: Prefilter | null;
  /**
   * For how many bytes the prefilter is still off, because it stopped too
   * often.
   */
  pause: usize;
  nextPause: usize;

  /** Whether a match of some pattern may cross the end of a line. */
  get crossesLines(): bool {
    return (this.patterns.flags & CROSSES_LINES) != 0;
  }

  /** Applies the patterns that were added and deleted since the last byte. */
  bringUpToDate(): void {
    if (this.patterns.changed) this.update();
  }

  /** The row at which a search begins after `context`. */
  startRow(context: u32): u32 {
    const known = this.cache.starts + ((<usize> context) << 2);
    let row = load<u32>(known);
    if (row != 0) return row;
    const position = newPosition();
    this.automaton.begin(context, position);
    row = this.cache.intern(position) & ROW;
    position.release();
    store<u32>(known, row);
    return row;
  }

  private update(): void {
    const patterns = this.patterns;
    const kept = newVector();
    const threads = this.keepThreads(kept);
    patterns.removeDeleted();
    patterns.layOut();
    this.automaton.makeRoom();
    const classCount = classify(patterns, this.skipReturns, this.classes);
    this.dropPrefilter();
    this.prefilter = newPrefilter(patterns.first, this.skipReturns);
    this.cache.reset(classCount);
    this.pause = 0;
    this.nextPause = 0;
    this.flushedAt = 0;

    // The start comes first, so that the cache recognises states without a
    // match under way.
    this.startRow(this.context);
    const position = newPosition();
    for (let i: u32 = 0; i < threads; i += 2) {
      const pattern = changetype<Pattern>(<usize> kept.get(i));
      position.threads.push(pattern.base + kept.get(i + 1));
    }
    for (let i = threads; i < kept.length; i++) {
      position.matches.push(kept.get(i));
    }
    kept.release();
    const matches = position.matches.length;
    this.automaton.beginFresh(this.context, position);
    for (let i = matches; i < position.matches.length; i++) {
      const owner = changetype<Pattern>(<usize> position.matches.get(i));
      this.events.add(owner.id, 0);
    }
    this.row = this.cache.intern(position) & ROW;
    position.release();
  }

  /**
   * Writes to `kept` the threads of the patterns that stay, as pattern and
   * number in it, then the patterns that have matched here already. Returns how
   * many words the threads take.
   */
  private keepThreads(kept: Vector): u32 {
    if (this.row == 0) return 0;
    const position = newPosition();
    stateOf(this.row).read(position);
    for (let i: u32 = 0; i < position.threads.length; i++) {
      const node = position.threads.get(i);
      const pattern = this.patterns.ownerOf(node);
      if (pattern.deleted) continue;
      kept.push(<u32> changetype<usize>(pattern));
      kept.push(node - pattern.base);
    }
    const threads = kept.length;
    for (let i: u32 = 0; i < position.matches.length; i++) {
      const owner = position.matches.get(i);
      if (!changetype<Pattern>(<usize> owner).deleted) kept.push(owner);
    }
    position.release();
    return threads;
  }

  private dropPrefilter(): void {
    const prefilter = this.prefilter;
    if (prefilter !== null) prefilter.release();
    this.prefilter = null;
  }

  release(): void {
    this.dropPrefilter();
    this.patterns.release();
    this.automaton.release();
    this.cache.release();
    this.from.release();
    this.to.release();
    this.text.release();
    this.events.release();
    heap.free(this.classes);
    heap.free(changetype<usize>(this));
  }
}

export function newSet(skipReturns: bool): PatternSet {
  const set = changetype<PatternSet>(zeroed(offsetof<PatternSet>()));
  set.skipReturns = skipReturns;
  set.patterns = newPatternList();
  set.classes = heap.alloc(256);
  set.automaton = newAutomaton(set.patterns);
  set.cache = newStateCache();
  set.from = newPosition();
  set.to = newPosition();
  set.text = newText();
  set.events = newEvents();
  set.context = AT_START | AFTER_LINE;
  return set;
}
