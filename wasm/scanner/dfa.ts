// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// States of a set of patterns, made as the text asks for them and kept in a
// bounded cache. A state is a row of transitions, one for each class of bytes
// that no pattern tells apart. Rows lie at multiples of 16; a transition is
// the next row's address, with bits on it where the loop has to look up:

import { newVector, Vector, zeroed } from "./vector.ts";
import {
  advance,
  begin,
  beginOne,
  contextNow,
  layOut,
  listFollowing,
  matchedBefore,
  matchedNow,
  onlyStarts,
  owners,
  Pattern,
  restore,
  settleAtEnd,
  useNodes,
} from "./automaton.ts";
import {
  AFTER_LINE,
  AT_START,
  isLineEnd,
  isWord,
  KELVIN_SIGN,
  LONG_S,
  nodeAddress,
  programFlags,
  RANGES,
} from "./program.ts";
import { emit } from "./events.ts";
import { textStart } from "./text.ts";
import { noteLoop } from "./loops.ts";
import { newPrefilter, Prefilter } from "./needles.ts";

/** Set on every transition that the loop has to look at. */
export const LOOK: u32 = 0x80000000;
/** Some pattern has matched. */
export const MATCHES: u32 = 1;
/** The state loops on itself for nearly all bytes. */
export const LOOPS: u32 = 2;
/** Nothing is known of this transition yet. */
export const UNKNOWN: u32 = LOOK | 4;
export const ROW: u32 = 0x7ffffff0;

/** What a state is; its items, matches and late matches follow, as words. */
@unmanaged
export class State {
  hash: u32;
  row: u32;
  context: u32;
  itemCount: u32;
  matchCount: u32;
  lateCount: u32;
  /** Nothing is under way but threads that begin at this position anyway. */
  starts: bool;
  /** How many bytes are known to lead back to the state itself. */
  loops: u32;
  /** How to find a byte that leaves it, see loops.ts; 0 if that isn't worth it. */
  leaving: usize;

  @inline
  get items(): usize {
    return changetype<usize>(this) + offsetof<State>();
  }

  @inline
  get matches(): usize {
    return this.items + ((<usize> this.itemCount) << 2);
  }

  @inline
  get late(): usize {
    return this.matches + ((<usize> this.matchCount) << 2);
  }
}

const BLOCK: usize = 16384;
const MOST: usize = 4 * 1024 * 1024;
/** States in which nothing is under way have rows of their own, so that a loop can tell them. */
const STARTS: u32 = 32;

/** The patterns of one stream, and where the stream is. */
@unmanaged
export class PatternSet {
  /** Whether the search passes over `\r`. */
  skipReturns: bool;
  first: Pattern | null;
  last: Pattern | null;
  changed: bool;

  /** Where the nodes of all patterns are, and whose they are. */
  nodes: Vector;
  owners: Vector;

  /** The class of each of 256 bytes. */
  classes: usize;
  classCount: u32;
  rowSize: u32;
  /** The flags of all programs together. */
  flags: u32;

  /** The state that the text so far has led to, as a row; 0 before there is one. */
  row: u32;
  /** What is known of the character before. */
  context: u32;

  // The cache: blocks of memory that are filled one after the other …
  blocks: Vector;
  block: u32;
  free: usize;
  blockEnd: usize;
  used: usize;
  // … rows of states in which nothing is under way …
  startRows: usize;
  startRowCount: u32;
  // … and a hash table of them all.
  table: usize;
  tableSize: u32;
  stateCount: u32;
  /** The state at the beginning of a search, by what is known before it. */
  starts: usize;
  /** How often the cache was emptied because it was full … */
  flushes: u32;
  /** … how many states it then held, and at which offset of the piece that was. */
  flushedStates: u32;
  flushedAt: isize;

  /** What the last piece left over of a character. */
  carry: u32;
  carried: u32;
  /** Where, before the next piece, the last visible character ended (0 or less). */
  visibleEnd: i32;

  /** What every match has in it (needles.ts); null if some pattern says nothing of the kind. */
  prefilter: Prefilter | null;
  /** Bytes to go without the prefilter, because it stopped too often. */
  pause: usize;
  nextPause: usize;
}

/**
 * The class of each byte in the set that is being searched, where the walks
 * find it at a fixed address.
 */
export const CLASSES: usize = memory.data(256, 16);

/** Makes a set the one that is searched: streams take turns. */
export function use(set: PatternSet): void {
  useNodes(set.nodes, set.owners);
  if (set.changed) update(set);
  memory.copy(CLASSES, set.classes, 256);
}

/** Where the transition from a row for a byte is. */
export function slot(row: u32, byte: u32): usize {
  return <usize> (row + ((<u32> load<u8>(byte, CLASSES)) << 2));
}

const items: Vector = newVector();
/** Rows besides the current one that must survive when the cache is emptied. */
export const pinned: Vector = newVector();
const kept: Vector = newVector();

export function newSet(skipReturns: bool): PatternSet {
  const set = changetype<PatternSet>(zeroed(offsetof<PatternSet>()));
  set.skipReturns = skipReturns;
  set.nodes = newVector();
  set.owners = newVector();
  set.classes = heap.alloc(256);
  set.blocks = newVector();
  set.starts = zeroed(64);
  set.context = AT_START | AFTER_LINE;
  set.changed = true;
  return set;
}

export function freeSet(set: PatternSet): void {
  let pattern = set.first;
  while (pattern !== null) {
    const next = pattern.next;
    freePattern(pattern);
    pattern = next;
  }
  for (let i: u32 = 0; i < set.blocks.length; i++) {
    heap.free(set.blocks.get(i));
  }
  set.blocks.release();
  set.nodes.release();
  set.owners.release();
  heap.free(set.classes);
  heap.free(set.starts);
  if (set.startRows != 0) heap.free(set.startRows);
  if (set.table != 0) heap.free(set.table);
  dropPrefilter(set);
  heap.free(changetype<usize>(set));
}

function dropPrefilter(set: PatternSet): void {
  const prefilter = set.prefilter;
  if (prefilter !== null) prefilter.release();
  set.prefilter = null;
}

function freePattern(pattern: Pattern): void {
  heap.free(pattern.program);
  if (pattern.needles != 0) heap.free(pattern.needles);
  heap.free(changetype<usize>(pattern));
}

export function addPattern(
  set: PatternSet,
  id: u32,
  program: usize,
  needles: usize,
): void {
  const pattern = changetype<Pattern>(zeroed(offsetof<Pattern>()));
  pattern.id = id;
  pattern.program = program;
  pattern.needles = needles;
  pattern.fresh = true;
  const last = set.last;
  if (last === null) set.first = pattern;
  else last.next = pattern;
  set.last = pattern;
  set.changed = true;
}

export function deletePattern(set: PatternSet, id: u32): void {
  let before: Pattern | null = null;
  let pattern = set.first;
  while (pattern !== null && pattern.id != id) {
    before = pattern;
    pattern = pattern.next;
  }
  if (pattern === null) return;
  // Of those that have threads, states may know until the next byte. The others
  // may be many by then: a stream may be silent while they come and go.
  if (pattern.fresh) remove(set, before, pattern);
  else {
    pattern.deleted = true;
    set.changed = true;
  }
}

/** Frees the pattern that comes after `before`. */
function remove(
  set: PatternSet,
  before: Pattern | null,
  pattern: Pattern,
): void {
  if (before === null) set.first = pattern.next;
  else before.next = pattern.next;
  if (pattern.next === null) set.last = before;
  freePattern(pattern);
}

/** Takes in patterns that came and went since the last byte. */
function update(set: PatternSet): void {
  // The threads so far, by pattern and number within it.
  kept.length = 0;
  let threads: u32 = 0;
  if (set.row != 0) {
    const state = stateOf(set.row);
    for (let i: u32 = 0; i < state.itemCount; i++) {
      const node = load<u32>(state.items + ((<usize> i) << 2));
      const pattern = ownerOf(node);
      if (pattern.deleted) continue;
      kept.push(<u32> changetype<usize>(pattern));
      kept.push(node - pattern.base);
    }
    threads = kept.length;
    for (let i: u32 = 0; i < state.matchCount; i++) {
      const owner = load<u32>(state.matches + ((<usize> i) << 2));
      if (!changetype<Pattern>(<usize> owner).deleted) kept.push(owner);
    }
  }
  removeDeleted(set);
  layOut(set.first);
  classify(set);
  dropPrefilter(set);
  set.prefilter = newPrefilter(set.first, set.skipReturns);
  empty(set);
  set.pause = 0;
  set.nextPause = 0;
  set.flushedAt = 0;
  set.changed = false;

  // Made first, so that a set in which nothing is under way is known as that.
  startRow(set, set.context);
  begin(null, set.context);
  for (let i: u32 = 0; i < threads; i += 2) {
    restore(
      changetype<Pattern>(<usize> kept.get(i)).base + kept.get(i + 1),
    );
  }
  for (let i = threads; i < kept.length; i++) matchedNow.push(kept.get(i));
  let pattern = set.first;
  while (pattern !== null) {
    if (pattern.fresh) {
      pattern.fresh = false;
      if (beginOne(pattern, set.context)) {
        matchedNow.push(<u32> changetype<usize>(pattern));
        emit(pattern.id, 0);
      }
    }
    pattern = pattern.next;
  }
  set.row = intern(set, false) & ROW;
}

function removeDeleted(set: PatternSet): void {
  let before: Pattern | null = null;
  let pattern = set.first;
  while (pattern !== null) {
    const next = pattern.next;
    if (pattern.deleted) remove(set, before, pattern);
    else before = pattern;
    pattern = next;
  }
}

function ownerOf(node: u32): Pattern {
  return changetype<Pattern>(<usize> owners.get(node));
}

// Classes of bytes: two bytes are told apart if a range of some pattern ends
// between them, or an assertion might.
const bounds: usize = memory.data(256, 16);

function classify(set: PatternSet): void {
  memory.fill(bounds, 0, 256);
  set.flags = 0;
  let asserts = false;
  let pattern = set.first;
  while (pattern !== null) {
    set.flags |= programFlags(pattern.program);
    const count = pattern.count;
    for (let node: u32 = 0; node < count; node++) {
      const address = nodeAddress(pattern.program, node);
      const head = load<u32>(address);
      if ((head & 0xff) != RANGES) {
        asserts = true;
        continue;
      }
      for (let i: u32 = 0, ranges = head >> 8; i < ranges; i++) {
        const range = load<u32>(address + ((<usize> i) << 3), 4);
        store<u8>(bounds + (range & 0xff), 1);
        if (range >> 8 < 255) store<u8>(bounds + (range >> 8) + 1, 1);
      }
    }
    pattern = pattern.next;
  }
  if (asserts) {
    for (let byte: u32 = 1; byte < 256; byte++) {
      if (kindOf(byte) != kindOf(byte - 1)) store<u8>(bounds + byte, 1);
    }
  }
  if (set.skipReturns) {
    store<u8>(bounds, 1, 13);
    store<u8>(bounds, 1, 14);
  }
  let number: u32 = 0;
  for (let byte: u32 = 0; byte < 256; byte++) {
    if (byte > 0 && load<u8>(bounds + byte) != 0) number++;
    store<u8>(set.classes + byte, <u8> number);
  }
  set.classCount = number + 1;
  // A row has its state's address before it, and lies at a multiple of 16.
  set.rowSize = (16 + (set.classCount << 2) + 15) & ~15;
}

function kindOf(byte: u32): u32 {
  if (isLineEnd(byte)) return 1;
  if (isWord(byte)) return 2;
  return byte == LONG_S || byte == KELVIN_SIGN ? 3 : 0;
}

export function stateOf(row: u32): State {
  return changetype<State>(<usize> load<u32>((<usize> row) - 4));
}

export function isStart(set: PatternSet, row: u32): bool {
  return row - <u32> set.startRows < STARTS * set.rowSize;
}

/** Drops every state. */
function empty(set: PatternSet): void {
  set.block = 0;
  set.free = 0;
  set.blockEnd = 0;
  set.used = 0;
  set.stateCount = 0;
  set.row = 0;
  set.startRowCount = 0;
  memory.fill(set.starts, 0, 64);
  if (set.table != 0) memory.fill(set.table, 0, (<usize> set.tableSize) << 2);
  if (set.startRows != 0) heap.free(set.startRows);
  set.startRows = heap.alloc(STARTS * set.rowSize + 16);
}

/** Memory for `size` bytes, at a multiple of 16. */
export function take(set: PatternSet, size: usize): usize {
  size = (size + 15) & ~15;
  while (set.free + size > set.blockEnd) {
    if (set.block < set.blocks.length) {
      // Blocks are of the common size, but for single states of more.
      const block = set.blocks.get(set.block++);
      set.free = block;
      set.blockEnd = block + load<u32>(block);
      set.free += 16;
    } else {
      const blockSize = max(BLOCK, size + 16);
      const block = heap.alloc(blockSize);
      store<u32>(block, <u32> blockSize);
      set.blocks.push(<u32> block);
    }
  }
  const address = set.free;
  set.free += size;
  set.used += size;
  return address;
}

/** Whether the cache has no room for another state of the common kind. */

export function isFull(set: PatternSet): bool {
  return set.used > MOST;
}

/**
 * The transition to the state that the last step led to, which is made if it
 * is new.
 */
function intern(set: PatternSet, starts: bool): u32 {
  const pending = listFollowing(items);
  const context = pending ? contextNow : 0;
  let hash: u32 = context;
  for (let i: u32 = 0; i < items.length; i++) hash = mix(hash, items.get(i));
  for (let i: u32 = 0; i < matchedNow.length; i++) {
    hash = mix(hash, matchedNow.get(i) ^ 0x5555);
  }
  for (let i: u32 = 0; i < matchedBefore.length; i++) {
    hash = mix(hash, matchedBefore.get(i) ^ 0xaaaa);
  }
  hash ^= hash >> 15;
  if (set.stateCount * 2 >= set.tableSize) growTable(set);
  const mask = set.tableSize - 1;
  let entry = hash & mask;
  while (true) {
    const found = load<u32>(set.table + ((<usize> entry) << 2));
    if (found == 0) break;
    const state = changetype<State>(<usize> found);
    if (state.hash == hash && isSame(state, context)) return transition(state);
    entry = (entry + 1) & mask;
  }
  const state = changetype<State>(
    take(
      set,
      offsetof<State>() +
        ((<usize> (items.length + matchedNow.length + matchedBefore.length)) <<
          2),
    ),
  );
  state.hash = hash;
  state.context = context;
  state.itemCount = items.length;
  state.matchCount = matchedNow.length;
  state.lateCount = matchedBefore.length;
  state.starts = starts;
  state.loops = 0;
  state.leaving = 0;
  copyWords(items, state.items);
  copyWords(matchedNow, state.matches);
  copyWords(matchedBefore, state.late);
  const memoryOfRow = starts && set.startRowCount < STARTS
    ? set.startRows + set.rowSize * set.startRowCount++
    : take(set, set.rowSize);
  const row = memoryOfRow + 16;
  store<u32>(row - 4, <u32> changetype<usize>(state));
  for (let i: usize = 0; i < set.classCount; i++) {
    store<u32>(row + (i << 2), UNKNOWN);
  }
  state.row = <u32> row;
  store<u32>(
    set.table + ((<usize> entry) << 2),
    <u32> changetype<usize>(state),
  );
  set.stateCount++;
  return transition(state);
}

function transition(state: State): u32 {
  return state.row |
    (state.matchCount + state.lateCount > 0 ? LOOK | MATCHES : 0);
}

function mix(hash: u32, value: u32): u32 {
  return rotl(hash ^ value, 5) * 0x9e3779b1;
}

function copyWords(from: Vector, to: usize): void {
  memory.copy(to, from.address, (<usize> from.length) << 2);
}

function isSame(state: State, context: u32): bool {
  return state.context == context && state.itemCount == items.length &&
    state.matchCount == matchedNow.length &&
    state.lateCount == matchedBefore.length &&
    sameWords(state.items, items) && sameWords(state.matches, matchedNow) &&
    sameWords(state.late, matchedBefore);
}

function sameWords(address: usize, list: Vector): bool {
  for (let i: u32 = 0; i < list.length; i++) {
    if (load<u32>(address + ((<usize> i) << 2)) != list.get(i)) return false;
  }
  return true;
}

function growTable(set: PatternSet): void {
  const old = set.table;
  const oldSize = set.tableSize;
  set.tableSize = max<u32>(64, oldSize << 1);
  set.table = zeroed((<usize> set.tableSize) << 2);
  const mask = set.tableSize - 1;
  for (let i: u32 = 0; i < oldSize; i++) {
    const entry = load<u32>(old + ((<usize> i) << 2));
    if (entry == 0) continue;
    let slot = changetype<State>(<usize> entry).hash & mask;
    while (load<u32>(set.table + ((<usize> slot) << 2)) != 0) {
      slot = (slot + 1) & mask;
    }
    store<u32>(set.table + ((<usize> slot) << 2), entry);
  }
  if (old != 0) heap.free(old);
}

/** Where a byte leads from a row, found by a step and remembered. */
export function makeTransition(set: PatternSet, row: u32, byte: u32): u32 {
  if (byte == 13 && set.skipReturns) {
    store<u32>(slot(row, byte), row);
    return row;
  }
  const from = stateOf(row);
  advance(
    set.first,
    from.items,
    from.itemCount,
    from.matches,
    from.matchCount,
    from.context,
    byte,
  );
  if (isFull(set)) {
    // The step's result is not in the cache, so it outlives the others.
    flush(set);
    return intern(set, onlyStarts);
  }
  const to = intern(set, onlyStarts);
  store<u32>(slot(row, byte), to);
  if (to == row) noteLoop(set, row, byte);
  return to;
}

/** The row for what the last step led to. */
export function internStep(set: PatternSet): u32 {
  return intern(set, onlyStarts) & ROW;
}

/** Empties the cache, but for the pinned rows, which are made anew. */
function flush(set: PatternSet): void {
  set.flushes++;
  set.flushedStates = set.stateCount;
  saveStep();
  const count = pinned.length;
  kept.length = 0;
  for (let i: u32 = 0; i < count; i++) {
    const state = stateOf(pinned.get(i));
    const size = offsetof<State>() +
      ((<usize> (state.itemCount + state.matchCount + state.lateCount)) << 2);
    const copy = heap.alloc(size);
    memory.copy(copy, changetype<usize>(state), size);
    kept.push(<u32> copy);
  }
  empty(set);
  for (let i: u32 = 0; i < count; i++) {
    const copy = changetype<State>(<usize> kept.get(i));
    loadStep(copy);
    pinned.set(i, intern(set, copy.starts) & ROW);
    heap.free(changetype<usize>(copy));
  }
  restoreStep();
}

function loadStep(state: State): void {
  begin(null, state.context);
  for (let i: u32 = 0; i < state.itemCount; i++) {
    restore(load<u32>(state.items + ((<usize> i) << 2)));
  }
  for (let i: u32 = 0; i < state.matchCount; i++) {
    matchedNow.push(load<u32>(state.matches + ((<usize> i) << 2)));
  }
  for (let i: u32 = 0; i < state.lateCount; i++) {
    matchedBefore.push(load<u32>(state.late + ((<usize> i) << 2)));
  }
}

const savedItems: Vector = newVector();
const savedNow: Vector = newVector();
const savedBefore: Vector = newVector();
let savedContext: u32 = 0;

function saveStep(): void {
  listFollowing(savedItems);
  copyList(matchedNow, savedNow);
  copyList(matchedBefore, savedBefore);
  savedContext = contextNow;
}

function restoreStep(): void {
  begin(null, savedContext);
  for (let i: u32 = 0; i < savedItems.length; i++) restore(savedItems.get(i));
  copyList(savedNow, matchedNow);
  copyList(savedBefore, matchedBefore);
}

function copyList(from: Vector, to: Vector): void {
  to.length = 0;
  for (let i: u32 = 0; i < from.length; i++) to.push(from.get(i));
}

/** The row at which a search begins where `context` is known of what was before. */
export function startRow(set: PatternSet, context: u32): u32 {
  const slot = set.starts + ((<usize> context) << 2);
  const known = load<u32>(slot);
  if (known != 0) return known;
  begin(set.first, context);
  const row = intern(set, true) & ROW;
  store<u32>(slot, row);
  return row;
}

/** Where the text before `offset` ends, leaving out what the search passes over. */
export function visible(set: PatternSet, offset: u32): u32 {
  if (set.skipReturns) {
    while (offset > 0 && load<u8>(textStart + offset - 1) == 13) offset--;
  }
  return offset;
}

/** Emits what a state says: `end` is the text offset after the byte that led to it. */
export function report(set: PatternSet, row: u32, end: u32): void {
  const state = stateOf(row);
  if (state.lateCount > 0) {
    const before = visible(set, end - 1);
    for (let i: u32 = 0; i < state.lateCount; i++) {
      const owner = load<u32>(state.late + ((<usize> i) << 2));
      emit(changetype<Pattern>(<usize> owner).id, before);
    }
  }
  for (let i: u32 = 0; i < state.matchCount; i++) {
    const owner = load<u32>(state.matches + ((<usize> i) << 2));
    emit(changetype<Pattern>(<usize> owner).id, end);
  }
}

/** Emits what matches because the stream ends. */
export function reportAtEnd(set: PatternSet, end: u32): void {
  if (set.row == 0) return;
  const state = stateOf(set.row);
  settleAtEnd(
    state.items,
    state.itemCount,
    state.matches,
    state.matchCount,
    set.context,
  );
  for (let i: u32 = 0; i < matchedBefore.length; i++) {
    emit(changetype<Pattern>(<usize> matchedBefore.get(i)).id, end);
  }
}
