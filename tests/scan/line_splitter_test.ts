import { assertEquals } from "@std/assert";
import { harmless, LineSplitter } from "../../src/scan/mod.ts";
import { Random, seed } from "./random.ts";

function split(chunks: Iterable<Uint8Array>): string[] {
  using splitter = new LineSplitter();
  const lines: string[] = [];
  for (const chunk of chunks) lines.push(...splitter.push(chunk));
  return [...lines, ...splitter.finish()];
}

function lines(text: string): string[] {
  const bytes = new TextEncoder().encode(text);
  const whole = split([bytes]);
  assertEquals(
    split(Array.from(bytes, (byte) => Uint8Array.of(byte))),
    whole,
    "The same, byte by byte",
  );
  return whole;
}

Deno.test("a line ends with \\n, \\r\\n or a lone \\r", () => {
  assertEquals(lines("a\nb\r\nc\rd"), ["a", "b", "c", "d"]);
  assertEquals(lines("a\r\r\nb\n\nc\n"), ["a", "b", "", "c"]);
  assertEquals(lines("\n"), [""]);
  assertEquals(lines(""), []);
});

Deno.test("a line is there as soon as its end is", () => {
  using splitter = new LineSplitter();
  assertEquals(splitter.push(new TextEncoder().encode("a\r")), ["a"]);
  assertEquals(splitter.push(new TextEncoder().encode("\n")), []);
  assertEquals(splitter.push(new TextEncoder().encode("b\n")), ["b"]);
});

Deno.test("control sequences are removed", () => {
  assertEquals(lines("\x1b[1;31mred\x1b[0m\x1b[2J\x1b[?25l!\n"), ["red!"]);
  assertEquals(lines("\x1b]0;title\x07a\x1b]8;;x\x1b\\b\x1b(Bc\n"), ["abc"]);
  assertEquals(lines("a\u009b31mb\u009dtitle\u009cc\n"), ["abc"]);
});

Deno.test("a control sequence that does not end takes its line and no more", () => {
  assertEquals(lines("a\x1b]0;title\nb\x1bPq\r\nc\x1b[31\nd\x1b\ne"), [
    "a",
    "b",
    "c",
    "d",
    "e",
  ]);
});

Deno.test("other control characters become visible", () => {
  assertEquals(lines("\x00\x07\x08\x0b\x0c\x7f\ta\n"), ["␀␇␈␋␌␡\ta"]);
  assertEquals(lines("a\u202eb\u0085c\u2066\n"), ["a\ufffdb\ufffdc\ufffd"]);
});

Deno.test("bytes that are not UTF-8 become U+FFFD", () => {
  assertEquals(split([Uint8Array.of(0x61, 0xff, 0xe2, 0x82, 0x0a, 0xc3)]), [
    "a\ufffd\ufffd",
    "\ufffd",
  ]);
});

Deno.test("a character may come in several chunks", () => {
  assertEquals(lines("ö€😀\n"), ["ö€😀"]);
});

Deno.test("a line without an end is broken after 64 KiB, not within a character", () => {
  const found = lines("€".repeat(30_000) + "\nx");
  assertEquals(found.map((line) => line.length), [21845, 8155, 1]);
});

Deno.test("harmless() says the same of a text as of its lines", () => {
  assertEquals(harmless("a\r\n\x1b[31mb\rc\x07"), "a\nb\nc␇");
});

Deno.test("LineSplitter splits random bytes as TextDecoder and harmless() would", () => {
  const first = seed();
  console.log(`seed: ${first} (run again with SEED=${first})`);
  const parts = [
    "some words",
    "\n",
    "\r\n",
    "\r",
    "\x1b[",
    "31m",
    "\x1b]0;t",
    "\x07",
    "\x1b\\",
    "\t",
    "é",
    "€",
    "😀",
    "\u009b",
    "\u202e",
    "\x1b",
    "0",
    ";",
    "x",
    "\0",
  ];
  for (let i = 0; i < 5000; i++) {
    const random = new Random(first + i);
    const bytes: number[] = [];
    for (let n = random.below(60); n > 0; n--) {
      if (random.oneIn(20)) bytes.push(random.below(256));
      else bytes.push(...new TextEncoder().encode(random.pick(parts)));
    }
    const whole = new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      Uint8Array.from(bytes),
    );
    const expected = whole.split(/\r+\n?|\n/).map(harmless);
    if (/[\r\n]$|^$/.test(whole)) expected.pop();
    assertEquals(
      split(random.chunks(Uint8Array.from(bytes))),
      expected,
      `case ${i} of seed ${first}`,
    );
  }
});
