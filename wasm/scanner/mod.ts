// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// The functions that TypeScript calls. Addresses are handles, which
// src/scan/wasm.ts keeps.

import { frequencies } from "./buckets.ts";
import { findBytes as findIn } from "./finder.ts";
import {
  cutFrames as cut,
  FrameStream,
  freeFrameStream as freeFrames,
  newFrameStream as createFrames,
} from "./frames.ts";
import { Lines, splitLines as split } from "./lines.ts";
import { search, searchEnd } from "./search.ts";
import { newSet as create, PatternSet } from "./set.ts";
import { input, leftOver, output } from "./text.ts";

export function inputAddress(): usize {
  return input;
}

/**
 * Where TypeScript writes the frequency of each byte, before any other call.
 */
export function frequencyAddress(): usize {
  return frequencies;
}

export function allocate(size: usize): usize {
  return heap.alloc(size);
}

export function release(address: usize): void {
  heap.free(address);
}

/**
 * Makes a set of patterns. If `skipReturns` is not 0, `\r` is invisible to
 * them.
 */
export function newSet(skipReturns: u32): usize {
  return changetype<usize>(create(skipReturns != 0));
}

export function freeSet(set: usize): void {
  changetype<PatternSet>(set).release();
}

/**
 * Adds a pattern. The set owns the program and the needles (0 for none) from
 * now on.
 */
export function addPattern(
  set: usize,
  id: u32,
  program: usize,
  needles: usize,
): void {
  changetype<PatternSet>(set).patterns.add(id, program, needles);
}

export function deletePattern(set: usize, id: u32): void {
  changetype<PatternSet>(set).patterns.delete(id);
}

/**
 * Searches the piece of `length` bytes at the input address. If `final` is not
 * 0, the stream ends with the piece. Returns the number of matches.
 */
export function scan(address: usize, length: usize, final: u32): u32 {
  const set = changetype<PatternSet>(address);
  const text = set.text;
  set.events.clear();
  const left = text.read(
    length,
    set.carry,
    set.carried,
    set.skipReturns,
    final != 0,
  );
  search(set);
  if (final != 0) searchEnd(set);
  set.events.makeRaw(text, set.visibleEnd);
  const end = text.length == 0 ? set.visibleEnd : text.rawOffset(text.length);
  set.visibleEnd = end - <i32> length;
  set.carry = leftOver(length, left);
  set.carried = left;
  return set.events.count;
}

/** Where the matches of the set's last piece are: pairs of an id and an end. */
export function eventAddress(set: usize): usize {
  return changetype<PatternSet>(set).events.address;
}

export function newFrameStream(maxLength: u32, maxDepth: u32): usize {
  return changetype<usize>(createFrames(maxLength, maxDepth));
}

export function freeFrameStream(stream: usize): void {
  freeFrames(changetype<FrameStream>(stream));
}

/**
 * Cuts the piece at the input address. Returns the length of an incomplete
 * message at its end.
 */
export function cutFrames(stream: usize, length: usize): u32 {
  return cut(changetype<FrameStream>(stream), input, length);
}

export function recordCount(stream: usize): u32 {
  return changetype<FrameStream>(stream).records.length >> 3;
}

export function recordAddress(stream: usize): usize {
  return changetype<FrameStream>(stream).records.address;
}

/**
 * Writes the piece at the input address to the output address, line by line,
 * and what that gives to `lines` (see lines.ts).
 */
export function splitLines(length: usize, lines: usize): void {
  split(input, length, output, changetype<Lines>(lines));
}

export function outputAddress(): usize {
  return output;
}

/** The place of a needle in the piece of `length` bytes, or `length`. */
export function findBytes(
  needle: usize,
  size: usize,
  first: usize,
  second: usize,
  length: usize,
): usize {
  return findIn(needle, size, first, second, input, input + length) - input;
}
