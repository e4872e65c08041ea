// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// The states of a set of patterns, which a bounded cache keeps. The search
// makes a state when the text first leads to it. A state is a position with a
// row of transitions, one for each class of bytes. Rows lie at multiples of 16.
// A transition is the address of the next row, with a bit set if the walk has
// to act:

import { newVector, Vector, zeroed } from "./vector.ts";
import { newPosition, Position } from "./position.ts";

/** Set on every transition at which the walk has to act. */
export const LOOK: u32 = 0x80000000;
/** Some pattern has matched. */
export const MATCHES: u32 = 1;
/** The state loops on itself for nearly all bytes. */
export const LOOPS: u32 = 2;
/** This transition is not known yet. */
export const UNKNOWN: u32 = LOOK | 4;
export const ROW: u32 = 0x7ffffff0;

/**
 * The header of a state. Its threads, matches and late matches follow, as
 * words.
 */
@unmanaged
export class State {
  hash: u32;
  row: u32;
  context: u32;
  threadCount: u32;
  matchCount: u32;
  lateCount: u32;
  onlyStarts: bool;
  /** How many bytes lead back to the state itself, so far as is known. */
  loops: u32;
  /** The skips of the state, see loops.ts; 0 if they do not pay. */
  leaving: usize;

  @inline
  get threads(): usize {
    return changetype<usize>(this) + offsetof<State>();
  }

  @inline
  get matches(): usize {
    return this.threads + ((<usize> this.threadCount) << 2);
  }

  @inline
  get late(): usize {
    return this.matches + ((<usize> this.matchCount) << 2);
  }

  /** The transition that leads to the state. */
  get transition(): u32 {
    return this.row |
      (this.matchCount + this.lateCount > 0 ? LOOK | MATCHES : 0);
  }

  /** Writes the position of the state. */
  read(to: Position): void {
    to.threads.assign(this.threads, this.threadCount);
    to.matches.assign(this.matches, this.matchCount);
    to.late.assign(this.late, this.lateCount);
    to.context = this.context;
    to.onlyStarts = this.onlyStarts;
  }

  /** Whether the state has this position. */
  is(position: Position): bool {
    return this.context == position.context &&
      this.threadCount == position.threads.length &&
      this.matchCount == position.matches.length &&
      this.lateCount == position.late.length &&
      position.threads.equals(this.threads) &&
      position.matches.equals(this.matches) &&
      position.late.equals(this.late);
  }
}

/**
 * The address of the transition from a row for a byte. `classes` has the class
 * of each byte.
 */
export function slot(classes: usize, row: u32, byte: u32): usize {
  return <usize> (row + ((<u32> load<u8>(classes + byte)) << 2));
}

export function stateOf(row: u32): State {
  return changetype<State>(<usize> load<u32>((<usize> row) - 4));
}

const BLOCK: usize = 16384;
const MOST: usize = 4 * 1024 * 1024;
/**
 * States without a match under way have rows in a block of their own, so that a
 * walk recognises them.
 */
const STARTS: u32 = 32;

@unmanaged
export class StateCache {
  classCount: u32;
  rowSize: u32;

  // Blocks of memory, filled one after the other …
  blocks: Vector;
  block: u32;
  free: usize;
  blockEnd: usize;
  used: usize;
  // … the block for rows of states without a match under way …
  startRows: usize;
  startRowCount: u32;
  // … and a hash table of all states.
  table: usize;
  tableSize: u32;
  stateCount: u32;
  /**
   * The row at the beginning of a search, by the context before it; 0 until it
   * is made.
   */
  starts: usize;

  /** Rows that a walk holds beside the current one. They survive a flush. */
  pinned: Vector;
  /** How often the cache was full and was emptied … */
  flushes: u32;
  /** … and how many states it had then. */
  flushedStates: u32;

  /**
   * Drops all states, and changes the length of rows to another number of
   * classes.
   */
  reset(classCount: u32): void {
    this.classCount = classCount;
    // A row lies at a multiple of 16, after the address of its state.
    this.rowSize = (16 + (classCount << 2) + 15) & ~15;
    this.empty();
  }

  /** Whether the state of a row has no match under way. */
  isStart(row: u32): bool {
    return row - <u32> this.startRows < STARTS * this.rowSize;
  }

  /** Whether the cache has no room for another state of common size. */
  isFull(): bool {
    return this.used > MOST;
  }

  /**
   * Returns the transition to the state of a position, and makes a new state if
   * there is none.
   */
  intern(position: Position): u32 {
    const hash = hashOf(position);
    if (this.stateCount * 2 >= this.tableSize) this.growTable();
    const mask = this.tableSize - 1;
    let entry = hash & mask;
    while (true) {
      const found = load<u32>(this.table + ((<usize> entry) << 2));
      if (found == 0) break;
      const state = changetype<State>(<usize> found);
      if (state.hash == hash && state.is(position)) return state.transition;
      entry = (entry + 1) & mask;
    }
    const state = this.make(position, hash);
    store<u32>(
      this.table + ((<usize> entry) << 2),
      <u32> changetype<usize>(state),
    );
    this.stateCount++;
    return state.transition;
  }

  /** Empties the cache, and makes the pinned rows again. */
  flush(): void {
    this.flushes++;
    this.flushedStates = this.stateCount;
    const pinned = this.pinned;
    const count = pinned.length;
    const kept = newVector();
    for (let i: u32 = 0; i < count; i++) {
      const position = newPosition();
      stateOf(pinned.get(i)).read(position);
      kept.push(<u32> changetype<usize>(position));
    }
    this.empty();
    for (let i: u32 = 0; i < count; i++) {
      const position = changetype<Position>(<usize> kept.get(i));
      pinned.set(i, this.intern(position) & ROW);
      position.release();
    }
    kept.release();
  }

  /** Allocates `size` bytes at a multiple of 16, until the cache is emptied. */
  take(size: usize): usize {
    size = (size + 15) & ~15;
    while (this.free + size > this.blockEnd) {
      if (this.block < this.blocks.length) {
        // Blocks have the common size, except for single states that are
        // larger.
        const block = this.blocks.get(this.block++);
        this.free = block;
        this.blockEnd = block + load<u32>(block);
        this.free += 16;
      } else {
        const blockSize = max(BLOCK, size + 16);
        const block = heap.alloc(blockSize);
        store<u32>(block, <u32> blockSize);
        this.blocks.push(<u32> block);
      }
    }
    const address = this.free;
    this.free += size;
    this.used += size;
    return address;
  }

  release(): void {
    for (let i: u32 = 0; i < this.blocks.length; i++) {
      heap.free(this.blocks.get(i));
    }
    this.blocks.release();
    this.pinned.release();
    heap.free(this.starts);
    if (this.startRows != 0) heap.free(this.startRows);
    if (this.table != 0) heap.free(this.table);
    heap.free(changetype<usize>(this));
  }

  private make(position: Position, hash: u32): State {
    const threads = position.threads;
    const matches = position.matches;
    const late = position.late;
    const words = threads.length + matches.length + late.length;
    const state = changetype<State>(
      this.take(offsetof<State>() + ((<usize> words) << 2)),
    );
    state.hash = hash;
    state.context = position.context;
    state.threadCount = threads.length;
    state.matchCount = matches.length;
    state.lateCount = late.length;
    state.onlyStarts = position.onlyStarts;
    state.loops = 0;
    state.leaving = 0;
    threads.copyTo(state.threads);
    matches.copyTo(state.matches);
    late.copyTo(state.late);
    const memoryOfRow = position.onlyStarts && this.startRowCount < STARTS
      ? this.startRows + this.rowSize * this.startRowCount++
      : this.take(this.rowSize);
    const row = memoryOfRow + 16;
    store<u32>(row - 4, <u32> changetype<usize>(state));
    for (let i: usize = 0; i < this.classCount; i++) {
      store<u32>(row + (i << 2), UNKNOWN);
    }
    state.row = <u32> row;
    return state;
  }

  private empty(): void {
    this.block = 0;
    this.free = 0;
    this.blockEnd = 0;
    this.used = 0;
    this.stateCount = 0;
    this.startRowCount = 0;
    memory.fill(this.starts, 0, 64);
    if (this.table != 0) {
      memory.fill(this.table, 0, (<usize> this.tableSize) << 2);
    }
    if (this.startRows != 0) heap.free(this.startRows);
    this.startRows = heap.alloc(STARTS * this.rowSize + 16);
  }

  private growTable(): void {
    const old = this.table;
    const oldSize = this.tableSize;
    this.tableSize = max<u32>(64, oldSize << 1);
    this.table = zeroed((<usize> this.tableSize) << 2);
    const mask = this.tableSize - 1;
    for (let i: u32 = 0; i < oldSize; i++) {
      const state = load<u32>(old + ((<usize> i) << 2));
      if (state == 0) continue;
      let entry = changetype<State>(<usize> state).hash & mask;
      while (load<u32>(this.table + ((<usize> entry) << 2)) != 0) {
        entry = (entry + 1) & mask;
      }
      store<u32>(this.table + ((<usize> entry) << 2), state);
    }
    if (old != 0) heap.free(old);
  }
}

export function newStateCache(): StateCache {
  const cache = changetype<StateCache>(zeroed(offsetof<StateCache>()));
  cache.blocks = newVector();
  cache.pinned = newVector();
  cache.starts = zeroed(64);
  return cache;
}

function hashOf(position: Position): u32 {
  let hash = mixAll(position.context, position.threads, 0);
  hash = mixAll(hash, position.matches, 0x5555);
  hash = mixAll(hash, position.late, 0xaaaa);
  return hash ^ (hash >> 15);
}

function mixAll(hash: u32, words: Vector, salt: u32): u32 {
  const end = words.address + ((<usize> words.length) << 2);
  for (let at = words.address; at < end; at += 4) {
    hash = mix(hash, load<u32>(at) ^ salt);
  }
  return hash;
}

function mix(hash: u32, value: u32): u32 {
  return rotl(hash ^ value, 5) * 0x9e3779b1;
}
