import { assertEquals, assertThrows } from "@std/assert";
import { ttyNumber, ttyText } from "../../../src/machine/hands/tty.ts";
import { UsageError } from "../../../src/errors.ts";

/** A dump of a terminal with 3 columns. */
function dump(kind: "u" | "b", cells: number[]): Uint8Array {
  const header = [2, 3, 0, 0, kind.charCodeAt(0)];
  const bytes = kind === "b"
    ? cells
    : cells.flatMap((cell) => [...new Uint8Array(Uint32Array.of(cell).buffer)]);
  return Uint8Array.from([...header, ...bytes]);
}

Deno.test("cells become rows of text", () => {
  const codes = [..."abcdef"].map((character) => character.charCodeAt(0));
  assertEquals(ttyText(dump("b", codes)), "abc\ndef");
  assertEquals(ttyText(dump("u", codes)), "abc\ndef");
});

Deno.test("code points are read as such, whatever the font", () => {
  const codes = [..."é漢😀─█ "].map((character) => character.codePointAt(0)!);
  assertEquals(ttyText(dump("u", codes)), "é漢😀\n─█ ");
});

Deno.test("control characters and invalid code points are blank", () => {
  assertEquals(
    ttyText(dump("u", [0, 7, 0x41, 0x110000, 0xffffffff, 0x42])),
    "  A\n  B",
  );
});

Deno.test("an empty dump is empty text", () => {
  assertEquals(ttyText(new Uint8Array(0)), "");
  assertEquals(ttyText(dump("u", [])), "");
});

Deno.test("a virtual terminal has a number", () => {
  assertEquals(ttyNumber("1"), "1");
  assertEquals(ttyNumber(12), "12");
  for (const tty of ["", "tty1", "1; reboot", -1, 1.5]) {
    assertThrows(
      () => ttyNumber(tty),
      UsageError,
      `Expected a virtual terminal's number, got "${tty}"`,
    );
  }
});
