// @ts-nocheck: AssemblyScript, which has types of its own

// The program of a pattern: a nondeterministic automaton over bytes, which
// TypeScript writes (src/scan/program.ts). In words of 32 bits:
//
//   nodes, start, flags, offset of node 0, offset of node 1, …, node, node, …
//
// Offsets count words from the program's beginning. A node's first word is its
// kind, with a count or an assertion's kind in the bits above.

export const RANGES: u32 = 0; // count, then (low | high << 8, target) each
export const SPLIT: u32 = 1; // count, then a target each
export const ASSERTION: u32 = 2; // kind, then the target
export const MATCH: u32 = 3;

/** Threads begin only where the pattern was added or last matched. */
export const ANCHORED: u32 = 1;
/** A match may depend on more than the current line. */
export const CROSSES_LINES: u32 = 2;

export const STREAM_START: u32 = 0;
export const STREAM_END: u32 = 1;
export const LINE_START: u32 = 2;
export const LINE_END: u32 = 3;
export const WORD_BOUNDARY: u32 = 4;
export const NOT_WORD_BOUNDARY: u32 = 5;
export const UNICODE_WORD_BOUNDARY: u32 = 6;
export const NOT_UNICODE_WORD_BOUNDARY: u32 = 7;

// The classes of the character before a position …
export const AFTER_LINE: u32 = 1;
export const AT_START: u32 = 2;
export const AFTER_WORD: u32 = 4;
export const AFTER_UNICODE_WORD: u32 = 8;
/** … and of the one after it. */
export const NEXT_KNOWN: u32 = 16;
export const BEFORE_LINE: u32 = 32;
export const AT_END: u32 = 64;
export const BEFORE_WORD: u32 = 128;
export const BEFORE_UNICODE_WORD: u32 = 256;

// In the text that patterns read, the characters that matter to assertions are
// one byte each (see text.ts).
export const LINE_SEPARATOR: u8 = 0xf8;
export const PARAGRAPH_SEPARATOR: u8 = 0xf9;
export const LONG_S: u8 = 0xfa;
export const KELVIN_SIGN: u8 = 0xfb;
export const REPLACEMENT: u8 = 0xfc;

export function nodeCount(program: usize): u32 {
  return load<u32>(program);
}

export function startNode(program: usize): u32 {
  return load<u32>(program, 4);
}

export function programFlags(program: usize): u32 {
  return load<u32>(program, 8);
}

export function nodeAddress(program: usize, node: u32): usize {
  return program +
    ((<usize> load<u32>(program + ((<usize> node) << 2), 12)) << 2);
}

export function isLineEnd(byte: u32): bool {
  return byte == 10 || byte == 13 || byte == LINE_SEPARATOR ||
    byte == PARAGRAPH_SEPARATOR;
}

export function isWord(byte: u32): bool {
  return (byte | 32) - 97 < 26 || byte - 48 < 10 || byte == 95;
}

/** The context of the character before a position, by its last byte. */
export function contextAfter(byte: u32): u32 {
  if (isWord(byte)) return AFTER_WORD | AFTER_UNICODE_WORD;
  if (isLineEnd(byte)) return AFTER_LINE;
  if (byte == LONG_S || byte == KELVIN_SIGN) return AFTER_UNICODE_WORD;
  return 0;
}

/** The context of the character after a position, by its first byte. */
export function contextBefore(byte: u32): u32 {
  if (isWord(byte)) return NEXT_KNOWN | BEFORE_WORD | BEFORE_UNICODE_WORD;
  if (isLineEnd(byte)) return NEXT_KNOWN | BEFORE_LINE;
  if (byte == LONG_S || byte == KELVIN_SIGN) {
    return NEXT_KNOWN | BEFORE_UNICODE_WORD;
  }
  return NEXT_KNOWN;
}

export function looksBehind(assertion: u32): bool {
  return assertion == STREAM_START || assertion == LINE_START;
}

/** Whether an assertion holds, given the context of both sides. */
export function holds(assertion: u32, context: u32): bool {
  switch (assertion) {
    case STREAM_START:
      return (context & AT_START) != 0;
    case STREAM_END:
      return (context & AT_END) != 0;
    case LINE_START:
      return (context & AFTER_LINE) != 0;
    case LINE_END:
      return (context & (BEFORE_LINE | AT_END)) != 0;
    case WORD_BOUNDARY:
      return ((context & AFTER_WORD) != 0) != ((context & BEFORE_WORD) != 0);
    case NOT_WORD_BOUNDARY:
      return ((context & AFTER_WORD) != 0) == ((context & BEFORE_WORD) != 0);
    case UNICODE_WORD_BOUNDARY:
      return ((context & AFTER_UNICODE_WORD) != 0) !=
        ((context & BEFORE_UNICODE_WORD) != 0);
    default:
      return ((context & AFTER_UNICODE_WORD) != 0) ==
        ((context & BEFORE_UNICODE_WORD) != 0);
  }
}
