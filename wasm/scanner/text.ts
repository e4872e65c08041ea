// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// Turns raw bytes into the text that patterns read. It is UTF-8 with four
// changes, each of which makes the automata smaller or exact:
//
// - What TextDecoder would replace by U+FFFD is one byte, REPLACEMENT, like
//   U+FFFD itself; so every sequence that an automaton sees is whole.
// - The line ends and word characters that take more than a byte are one byte.
// - A character beyond U+FFFF is two surrogates of three bytes each, as
//   JavaScript sees it.
// - If asked for, `\r` is not there, or only before `\n`, where the search
//   passes over it.
//
// A text of ASCII alone is the raw bytes themselves.

import { newVector, Vector, zeroed } from "./vector.ts";
import {
  KELVIN_SIGN,
  LINE_SEPARATOR,
  LONG_S,
  PARAGRAPH_SEPARATOR,
  REPLACEMENT,
} from "./program.ts";

// Before a piece of 65536 raw bytes there is room for the incomplete sequence
// of the piece before it. Its text is at most half as long again. Both have
// room around them, for loads of 16 bytes that go beyond the ends.
const RAW: usize = memory.data(65536 + 128, 16);
const CARRY: usize = 16;
const ROOM: usize = memory.data(98304 + 256, 16);
const TEXT: usize = ROOM + 16;

/** Where TypeScript writes the raw piece. */
export const input: usize = RAW + CARRY;
/** Where TypeScript reads the output for a piece, if it is more than places. */
export const output: usize = TEXT;

/** The text of a piece. */
@unmanaged
export class Text {
  start: usize;
  length: usize;
  /**
   * The places where the distance between text and raw bytes changes, as pairs
   * of a text offset and a raw offset. A text offset belongs to the last pair
   * whose text offset is smaller. Without pairs, the text is the raw bytes.
   */
  marks: Vector;
  /** The pair of the last call of `rawOffset`. */
  lastMark: u32;

  /**
   * Becomes the text of `length` bytes at `input`, after the `carried` bytes
   * (their values in `carry`, first in the lowest byte) of an incomplete
   * character at the end of the last piece. Returns how many bytes at the end
   * are an incomplete character (0 to 3).
   */
  read(
    length: usize,
    carry: u32,
    carried: usize,
    skipReturns: bool,
    final: bool,
  ): u32 {
    this.marks.length = 0;
    const start = input - carried;
    const end = input + length;
    for (let i: usize = 0; i < carried; i++) {
      store<u8>(start + i, <u8> (carry >> (<u32> i << 3)));
    }
    const first = firstSpecial(start, end, skipReturns);
    // A `\r` at the end has no effect.
    const atEnd = first + 1 == end && skipReturns && load<u8>(first) == 13;
    if (first == end || atEnd) {
      this.start = start;
      this.length = first - start;
      return 0;
    }
    return transcribe(this, start, end, skipReturns, final);
  }

  /** Begins with raw offsets of earlier text offsets again. */
  rewind(): void {
    this.lastMark = 0;
  }

  /**
   * The raw offset, from `input`, just after the character before text offset
   * `offset` (which is not 0). Callers ask in ascending order, so the search
   * goes on from the last pair.
   */
  rawOffset(offset: usize): i32 {
    const marks = this.marks;
    if (marks.length == 0) return <i32> (this.start + offset - input);
    let at = this.lastMark;
    while (at + 2 < marks.length && marks.get(at + 2) < <u32> offset) at += 2;
    this.lastMark = at;
    return <i32> marks.get(at + 1) + <i32> offset - <i32> marks.get(at);
  }

  release(): void {
    this.marks.release();
    heap.free(changetype<usize>(this));
  }
}

export function newText(): Text {
  const text = changetype<Text>(zeroed(offsetof<Text>()));
  text.marks = newVector();
  return text;
}

/**
 * The first byte that is not ASCII, or that is a `\r` to skip without a `\n`
 * after it; or `end`.
 */
function firstSpecial(start: usize, end: usize, skipReturns: bool): usize {
  return skipReturns
    ? firstSpecialOrReturn(start, end)
    : firstBeyondAscii(start, end);
}

function firstBeyondAscii(start: usize, end: usize): usize {
  let at = start;
  while (at + 64 <= end) {
    const high = v128.or(
      v128.or(v128.load(at), v128.load(at, 16)),
      v128.or(v128.load(at, 32), v128.load(at, 48)),
    );
    if (i8x16.bitmask(high) != 0) break;
    at += 64;
  }
  while (at < end && load<u8>(at) < 0x80) at++;
  return at;
}

function firstSpecialOrReturn(start: usize, end: usize): usize {
  const returns = i8x16.splat(13);
  const newlines = i8x16.splat(10);
  let at = start;
  while (at + 32 < end) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const bare = v128.or(
      v128.andnot(
        i8x16.eq(a, returns),
        i8x16.eq(v128.load(at, 1), newlines),
      ),
      v128.andnot(
        i8x16.eq(b, returns),
        i8x16.eq(v128.load(at, 17), newlines),
      ),
    );
    if (i8x16.bitmask(v128.or(bare, v128.or(a, b))) != 0) break;
    at += 32;
  }
  for (; at < end; at++) {
    const byte = load<u8>(at);
    if (byte >= 0x80) break;
    if (byte == 13 && (at + 1 == end || load<u8>(at, 1) != 10)) break;
  }
  return at;
}

function mark(marks: Vector, text: usize, raw: usize): void {
  marks.push(<u32> (text - TEXT));
  marks.push(<u32> (raw - input));
}

function transcribe(
  text: Text,
  from: usize,
  end: usize,
  skipReturns: bool,
  final: bool,
): u32 {
  const marks = text.marks;
  const returns = i8x16.splat(skipReturns ? 13 : <i8> 0x80);
  let at = from;
  let to = TEXT;
  mark(marks, to, at);
  while (at < end) {
    // A block may go beyond the end, and this writes more to the buffer than
    // the text. Only the two addresses count.
    const block = v128.load(at);
    v128.store(to, block);
    const special = <u32> i8x16.bitmask(
      v128.or(block, i8x16.eq(block, returns)),
    );
    const plain = min<usize>(special == 0 ? 16 : ctz(special), end - at);
    at += plain;
    to += plain;
    if (at == end) break;
    if (plain == 16) continue;
    const byte = <u32> load<u8>(at);
    if (byte == 13) {
      at++;
      mark(marks, to, at);
      continue;
    }
    const length = sequenceLength(at, end);
    if (length == 0) {
      if (!final) break;
      store<u8>(to, REPLACEMENT);
      mark(marks, to, end - 1);
      to++;
      at = end;
      break;
    }
    if (length < 0) {
      store<u8>(to, REPLACEMENT);
      at += <usize> -length;
      mark(marks, to, at - 1);
      to++;
    } else if (length == 4) {
      const point = ((byte & 7) << 18 | (<u32> load<u8>(at, 1) & 63) << 12 |
        (<u32> load<u8>(at, 2) & 63) << 6 | (<u32> load<u8>(at, 3) & 63)) -
        0x10000;
      const high = 0xd800 | point >> 10;
      const low = 0xdc00 | point & 0x3ff;
      at += 4;
      store<u8>(to, 0xed);
      store<u8>(to, <u8> (0x80 | high >> 6 & 63), 1);
      store<u8>(to, <u8> (0x80 | high & 63), 2);
      mark(marks, to, at - 3);
      to += 3;
      store<u8>(to, 0xed);
      store<u8>(to, <u8> (0x80 | low >> 6 & 63), 1);
      store<u8>(to, <u8> (0x80 | low & 63), 2);
      mark(marks, to, at - 3);
      to += 3;
    } else {
      const special = length == 2
        ? (byte == 0xc5 && load<u8>(at, 1) == 0xbf ? LONG_S : 0)
        : specialOfThree(at);
      if (special != 0) {
        store<u8>(to, special);
        at += <usize> length;
        mark(marks, to, at - 1);
        to++;
      } else {
        store<u8>(to, <u8> byte);
        store<u8>(to, load<u8>(at, 1), 1);
        if (length == 3) store<u8>(to, load<u8>(at, 2), 2);
        at += <usize> length;
        to += <usize> length;
      }
    }
  }
  text.start = TEXT;
  text.length = to - TEXT;
  return <u32> (end - at);
}

function specialOfThree(at: usize): u8 {
  const bytes = <u32> load<u8>(at) | <u32> load<u8>(at, 1) << 8 |
    <u32> load<u8>(at, 2) << 16;
  if (bytes == 0xa880e2) return LINE_SEPARATOR;
  if (bytes == 0xa980e2) return PARAGRAPH_SEPARATOR;
  if (bytes == 0xaa84e2) return KELVIN_SIGN;
  if (bytes == 0xbdbfef) return REPLACEMENT;
  return 0;
}

/**
 * The length of the UTF-8 sequence at `at`. If the sequence is invalid, minus
 * the length of its valid beginning; 0 if the bytes end too early to know.
 */
export function sequenceLength(at: usize, end: usize): i32 {
  const lead = <u32> load<u8>(at);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + 1 == end) return 0;
  const second = <u32> load<u8>(at, 1);
  const low: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const high: u32 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return -1;
  if (length == 2) return 2;
  if (at + 2 == end) return 0;
  if ((load<u8>(at, 2) & 0xc0) != 0x80) return -2;
  if (length == 3) return 3;
  if (at + 3 == end) return 0;
  return (load<u8>(at, 3) & 0xc0) != 0x80 ? -3 : 4;
}

/**
 * The bytes of the incomplete character at the piece's end, first in the lowest
 * byte.
 */
export function leftOver(length: usize, count: u32): u32 {
  let bytes: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    bytes |= <u32> load<u8>(input + length - count + i) << (i << 3);
  }
  return bytes;
}
