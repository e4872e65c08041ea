// @ts-nocheck: AssemblyScript, which has types of its own
// deno-lint-ignore-file verbatim-module-syntax

// Classes of bytes. Two bytes are in different classes if a range of some
// pattern ends between them, or if an assertion may distinguish them.

import { PatternList } from "./patterns.ts";
import {
  isLineEnd,
  isWord,
  KELVIN_SIGN,
  LONG_S,
  nodeAddress,
  RANGES,
} from "./program.ts";

/**
 * Writes the class of each of 256 bytes to `classes`. Returns the number of
 * classes.
 */
export function classify(
  list: PatternList,
  skipReturns: bool,
  classes: usize,
): u32 {
  // At first, a mark at the first byte of each class.
  memory.fill(classes, 0, 256);
  let asserts = false;
  let pattern = list.first;
  while (pattern !== null) {
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
        store<u8>(classes + (range & 0xff), 1);
        if (range >> 8 < 255) store<u8>(classes + (range >> 8) + 1, 1);
      }
    }
    pattern = pattern.next;
  }
  if (asserts) {
    for (let byte: u32 = 1; byte < 256; byte++) {
      if (kindOf(byte) != kindOf(byte - 1)) store<u8>(classes + byte, 1);
    }
  }
  if (skipReturns) {
    store<u8>(classes, 1, 13);
    store<u8>(classes, 1, 14);
  }
  let number: u32 = 0;
  for (let byte: u32 = 0; byte < 256; byte++) {
    if (byte > 0 && load<u8>(classes + byte) != 0) number++;
    store<u8>(classes + byte, <u8> number);
  }
  return number + 1;
}

function kindOf(byte: u32): u32 {
  if (isLineEnd(byte)) return 1;
  if (isWord(byte)) return 2;
  return byte == LONG_S || byte == KELVIN_SIGN ? 3 : 0;
}
