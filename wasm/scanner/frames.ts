// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// Cuts QMP messages out of a stream of bytes. A message is a JSON object, which
// this checks byte by byte against RFC 8259, so that parsing it can't fail. A
// message begins with a brace. A brace at the beginning of a line always begins
// a message, because QEMU indents the other lines of a message; after an error
// the stream goes on there.

import { newVector, Vector, zeroed } from "./vector.ts";

// The place of the next byte in a message, or between two.
const BETWEEN: u32 = 0;
const SKIPPING: u32 = 1;
const VALUE: u32 = 2;
const VALUE_OR_END: u32 = 3;
const KEY: u32 = 4;
const KEY_OR_END: u32 = 5;
const COLON: u32 = 6;
const AFTER_VALUE: u32 = 7;
const STRING: u32 = 8;
const ESCAPE: u32 = 9;
const HEX: u32 = 10;
const MINUS: u32 = 11;
const ZERO: u32 = 12;
const INTEGER: u32 = 13;
const POINT: u32 = 14;
const FRACTION: u32 = 15;
const EXPONENT: u32 = 16;
const EXPONENT_SIGN: u32 = 17;
const EXPONENT_DIGITS: u32 = 18;
const LITERAL: u32 = 19;

// The kinds of records: a message, or an error in one.
const MESSAGE: u32 = 0;
const STRAY: u32 = 1;
const MALFORMED: u32 = 2;
const TOO_LONG: u32 = 3;
const TOO_DEEP: u32 = 4;
const CUT_SHORT: u32 = 5;

// The members that tell a message's kind, as bits.
const GREETING: u32 = 1;
const RETURN: u32 = 2;
const ERROR: u32 = 4;
const EVENT: u32 = 8;
const ID: u32 = 16;

@unmanaged
export class FrameStream {
  state: u32;
  /** Whether the last byte was `\n`, or none has come. */
  lineStart: bool;
  maxLength: u32;
  maxDepth: u32;
  depth: u32;
  /** A bit for each open bracket: whether it opens an object. */
  stack: usize;
  /** Bytes of the message so far. */
  length: u32;
  /** Whether the current string is a member's name. */
  isKey: bool;
  /** The rest of an escape or a literal: how many bytes, or which. */
  left: u32;
  literal: u64;
  /** The first eight bytes of a name, and the number of its bytes. */
  key: u64;
  keyLength: u32;
  /** The member of the current value, and the members so far. */
  member: u32;
  members: u32;
  /** Where in the message the values of `id` and `event` are. */
  valueStart: u32;
  idStart: u32;
  idEnd: u32;
  eventStart: u32;
  eventEnd: u32;
  /**
   * What the last piece has completed, as records of eight words: kind, begin,
   * end, members, and the places of the two values.
   */
  records: Vector;
}

export function newFrameStream(maxLength: u32, maxDepth: u32): FrameStream {
  const stream = changetype<FrameStream>(zeroed(offsetof<FrameStream>()));
  stream.lineStart = true;
  stream.maxLength = maxLength;
  stream.maxDepth = maxDepth;
  stream.stack = zeroed((<usize> maxDepth >> 3) + 1);
  stream.records = newVector();
  return stream;
}

export function freeFrameStream(stream: FrameStream): void {
  heap.free(stream.stack);
  stream.records.release();
  heap.free(changetype<usize>(stream));
}

/**
 * Takes the bytes at `from`. Places in records are relative to `from`; those in
 * earlier bytes are negative. Returns how many bytes of an incomplete message
 * have come, with those of earlier calls.
 */
export function cutFrames(
  stream: FrameStream,
  from: usize,
  length: usize,
): u32 {
  stream.records.clear(4096);
  const end = from + length;
  let at = from;
  while (at < end) {
    if (stream.state == STRING) {
      const to = plainPart(stream, at, end);
      if (to > at) {
        if (stream.isKey && stream.depth == 1) noteKey(stream, at, to);
        stream.length += <u32> (to - at);
        stream.lineStart = false;
        at = to;
        continue;
      }
    }
    const byte = <u32> load<u8>(at);
    const lineStart = stream.lineStart;
    stream.lineStart = byte == 10;
    if (stream.state == SKIPPING) {
      if (lineStart && byte == 123) begin(stream);
      at++;
      continue;
    }
    if (stream.state == BETWEEN) {
      if (byte == 123) begin(stream);
      else if (!isSpace(byte)) fail(stream, STRAY, at - from);
      at++;
      continue;
    }
    if (lineStart && byte == 123) {
      fail(stream, CUT_SHORT, at - from);
      begin(stream);
      at++;
      continue;
    }
    stream.length++;
    const wrong = stream.length > stream.maxLength
      ? TOO_LONG
      : take(stream, byte);
    at++;
    if (wrong != MESSAGE) fail(stream, wrong, at - 1 - from);
    else if (stream.depth == 0) complete(stream, at - from);
  }
  return stream.state <= SKIPPING ? 0 : stream.length;
}

function begin(stream: FrameStream): void {
  stream.state = KEY_OR_END;
  stream.length = 1;
  stream.depth = 1;
  store<u8>(stream.stack, load<u8>(stream.stack) | 1);
  stream.members = 0;
  stream.member = 0;
  stream.idEnd = 0;
  stream.eventEnd = 0;
}

function record(what: u32, begin: u32, end: u32, stream: FrameStream): void {
  const records = stream.records;
  records.push(what);
  records.push(begin);
  records.push(end);
  records.push(stream.members);
  records.push(stream.idStart);
  records.push(stream.idEnd);
  records.push(stream.eventStart);
  records.push(stream.eventEnd);
}

function fail(stream: FrameStream, what: u32, at: usize): void {
  record(what, <u32> at, <u32> at, stream);
  stream.state = SKIPPING;
}

function complete(stream: FrameStream, end: usize): void {
  record(MESSAGE, <u32> end - stream.length, <u32> end, stream);
  stream.state = BETWEEN;
}

function isSpace(byte: u32): bool {
  return byte == 32 || byte == 10 || byte == 13 || byte == 9;
}

function isDigit(byte: u32): bool {
  return byte - 48 < 10;
}

/** The end of the plain part of a string, within the limit of a message. */
function plainPart(stream: FrameStream, at: usize, end: usize): usize {
  end = min(end, at + <usize> (stream.maxLength - stream.length));
  const quotes = i8x16.splat(34);
  const backslashes = i8x16.splat(92);
  const space = i8x16.splat(32);
  while (at + 16 <= end) {
    const bytes = v128.load(at);
    const special = v128.or(
      v128.or(i8x16.eq(bytes, quotes), i8x16.eq(bytes, backslashes)),
      i8x16.lt_u(bytes, space),
    );
    if (v128.any_true(special)) return at + ctz(i8x16.bitmask(special));
    at += 16;
  }
  while (at < end) {
    const byte = load<u8>(at);
    if (byte == 34 || byte == 92 || byte < 32) break;
    at++;
  }
  return at;
}

function noteKey(stream: FrameStream, at: usize, end: usize): void {
  for (; at < end && stream.keyLength < 8; at++) {
    stream.key |= <u64> load<u8>(at) << <u64> (stream.keyLength << 3);
    stream.keyLength++;
  }
  stream.keyLength += <u32> (end - at);
}

/** The member of a name. A name with an escape is no known member. */
function memberOf(stream: FrameStream): u32 {
  const key = stream.key;
  switch (stream.keyLength) {
    case 2:
      return key == 0x6469 ? ID : 0;
    case 3:
      return key == 0x504d51 ? GREETING : 0;
    case 5:
      if (key == 0x726f727265) return ERROR;
      return key == 0x746e657665 ? EVENT : 0;
    case 6:
      return key == 0x6e7275746572 ? RETURN : 0;
    default:
      return 0;
  }
}

function inObject(stream: FrameStream): bool {
  const top = stream.depth - 1;
  return (load<u8>(stream.stack + (top >> 3)) & (1 << (top & 7))) != 0;
}

function open(stream: FrameStream, object: bool): u32 {
  if (stream.depth >= stream.maxDepth) return TOO_DEEP;
  const at = stream.stack + (stream.depth >> 3);
  const bit: u8 = 1 << <u8> (stream.depth & 7);
  store<u8>(at, object ? load<u8>(at) | bit : load<u8>(at) & ~bit);
  stream.depth++;
  stream.state = object ? KEY_OR_END : VALUE_OR_END;
  return MESSAGE;
}

function close(stream: FrameStream, byte: u32): u32 {
  if (inObject(stream) != (byte == 125)) return MALFORMED;
  stream.depth--;
  stream.state = AFTER_VALUE;
  if (stream.depth == 1) endValue(stream, stream.length);
  return MESSAGE;
}

/** Ends a value of the message's top level; `end` is its end in the message. */
function endValue(stream: FrameStream, end: u32): void {
  if (stream.member == ID) {
    stream.idStart = stream.valueStart;
    stream.idEnd = end;
  } else if (stream.member == EVENT) {
    stream.eventStart = stream.valueStart;
    stream.eventEnd = end;
  }
  stream.members |= stream.member;
  stream.member = 0;
}

function beginValue(stream: FrameStream, byte: u32): u32 {
  if (stream.depth == 1) stream.valueStart = stream.length - 1;
  switch (byte) {
    case 123:
      return open(stream, true);
    case 91:
      return open(stream, false);
    case 34:
      stream.isKey = false;
      stream.state = STRING;
      return MESSAGE;
    case 45:
      stream.state = MINUS;
      return MESSAGE;
    case 48:
      stream.state = ZERO;
      return MESSAGE;
    case 116:
      return beginLiteral(stream, 0x657572, 3);
    case 102:
      return beginLiteral(stream, 0x65736c61, 4);
    case 110:
      return beginLiteral(stream, 0x6c6c75, 3);
  }
  if (!isDigit(byte)) return MALFORMED;
  stream.state = INTEGER;
  return MESSAGE;
}

function beginLiteral(stream: FrameStream, rest: u64, length: u32): u32 {
  stream.literal = rest;
  stream.left = length;
  stream.state = LITERAL;
  return MESSAGE;
}

function beginKey(stream: FrameStream, byte: u32): u32 {
  if (byte != 34) return MALFORMED;
  stream.isKey = true;
  stream.key = 0;
  stream.keyLength = 0;
  stream.state = STRING;
  return MESSAGE;
}

function endString(stream: FrameStream): void {
  if (stream.isKey) {
    if (stream.depth == 1) stream.member = memberOf(stream);
    stream.state = COLON;
  } else {
    stream.state = AFTER_VALUE;
    if (stream.depth == 1) endValue(stream, stream.length);
  }
}

/** A number ends at the first byte that is no part of it. */
function endNumber(stream: FrameStream, byte: u32): u32 {
  stream.state = AFTER_VALUE;
  if (stream.depth == 1) endValue(stream, stream.length - 1);
  return take(stream, byte);
}

function digits(stream: FrameStream, byte: u32, state: u32): u32 {
  if (!isDigit(byte)) return MALFORMED;
  stream.state = state;
  return MESSAGE;
}

/** Takes the next byte of a message. Returns the error, if there is one. */
function take(stream: FrameStream, byte: u32): u32 {
  switch (stream.state) {
    case STRING:
      if (byte == 34) endString(stream);
      else if (byte < 32) return MALFORMED;
      else {
        // Plain bytes are skipped elsewhere; only the beginning of an escape
        // comes here.
        stream.state = ESCAPE;
        stream.keyLength = 1 << 16;
      }
      return MESSAGE;
    case ESCAPE:
      if (byte == 117) {
        stream.state = HEX;
        stream.left = 4;
        return MESSAGE;
      }
      stream.state = STRING;
      return byte == 34 || byte == 92 || byte == 47 || byte == 98 ||
          byte == 102 || byte == 110 || byte == 114 || byte == 116
        ? MESSAGE
        : MALFORMED;
    case HEX:
      if (!isDigit(byte) && (byte | 32) - 97 >= 6) return MALFORMED;
      if (--stream.left == 0) stream.state = STRING;
      return MESSAGE;
    case LITERAL:
      if (byte != <u32> (stream.literal & 0xff)) return MALFORMED;
      stream.literal >>= 8;
      if (--stream.left == 0) {
        stream.state = AFTER_VALUE;
        if (stream.depth == 1) endValue(stream, stream.length);
      }
      return MESSAGE;
    case MINUS:
      return digits(stream, byte, byte == 48 ? ZERO : INTEGER);
    case ZERO:
    case INTEGER:
      if (stream.state == INTEGER && isDigit(byte)) return MESSAGE;
      if (byte == 46) stream.state = POINT;
      else if ((byte | 32) == 101) stream.state = EXPONENT;
      else return endNumber(stream, byte);
      return MESSAGE;
    case POINT:
      return digits(stream, byte, FRACTION);
    case FRACTION:
      if (isDigit(byte)) return MESSAGE;
      if ((byte | 32) != 101) return endNumber(stream, byte);
      stream.state = EXPONENT;
      return MESSAGE;
    case EXPONENT:
      if (byte == 43 || byte == 45) {
        stream.state = EXPONENT_SIGN;
        return MESSAGE;
      }
      return digits(stream, byte, EXPONENT_DIGITS);
    case EXPONENT_SIGN:
      return digits(stream, byte, EXPONENT_DIGITS);
    case EXPONENT_DIGITS:
      return isDigit(byte) ? MESSAGE : endNumber(stream, byte);
  }
  if (isSpace(byte)) return MESSAGE;
  switch (stream.state) {
    case VALUE:
      return beginValue(stream, byte);
    case VALUE_OR_END:
      return byte == 93 ? close(stream, byte) : beginValue(stream, byte);
    case KEY:
      return beginKey(stream, byte);
    case KEY_OR_END:
      return byte == 125 ? close(stream, byte) : beginKey(stream, byte);
    case COLON:
      if (byte != 58) return MALFORMED;
      stream.state = VALUE;
      return MESSAGE;
    default:
      if (byte == 44) {
        stream.state = inObject(stream) ? KEY : VALUE;
        return MESSAGE;
      }
      return byte == 125 || byte == 93 ? close(stream, byte) : MALFORMED;
  }
}
