import { assertEquals, assertThrows } from "@std/assert";
import {
  type Match,
  Scanner,
  type ScannerOptions,
} from "../../src/scan/mod.ts";

const encoder = new TextEncoder();

/** The ends of a pattern's matches in text that comes in these chunks. */
function ends(
  pattern: RegExp | string,
  chunks: (string | number[])[],
  options?: ScannerOptions,
): number[] {
  using scanner = new Scanner(options);
  scanner.add(pattern);
  const matches: Match[] = [];
  for (const chunk of chunks) {
    matches.push(
      ...scanner.scan(
        typeof chunk === "string"
          ? encoder.encode(chunk)
          : Uint8Array.from(chunk),
      ),
    );
  }
  return [...matches, ...scanner.finish()].map((match) => match.end);
}

Deno.test("a match ends as early as it can, and the next begins there", () => {
  assertEquals(ends(/a+/, ["aaa"]), [1, 2, 3]);
  assertEquals(ends(/ab|abc/, ["abcabc"]), [2, 5]);
  assertEquals(ends(/aba/, ["ababa"]), [3]);
  assertEquals(ends(/a.*?c/, ["abcac"]), [3, 5]);
});

Deno.test("a match is found in whatever chunks its bytes come", () => {
  assertEquals(ends(/login: /, ["lo", "g", "in:", "", " "]), [7]);
  assertEquals(
    ends(/é€😀/, [[0xc3], [0xa9, 0xe2, 0x82], [0xac, 0xf0], [
      0x9f,
      0x98,
      0x80,
    ]]),
    [9],
  );
});

Deno.test("a pattern is searched from where it was added until it is deleted", () => {
  using scanner = new Scanner();
  const first = scanner.add(/ab/);
  assertEquals(scanner.scan(encoder.encode("a")), []);
  const second = scanner.add(/ab/);
  assertEquals(scanner.scan(encoder.encode("b")), [{ id: first, end: 2 }]);
  assertEquals(scanner.scan(encoder.encode("ab")), [
    { id: first, end: 4 },
    { id: second, end: 4 },
  ]);
  scanner.delete(first);
  assertEquals(scanner.scan(encoder.encode("ab")), [{ id: second, end: 6 }]);
  assertEquals(scanner.position, 6);
});

Deno.test("a pattern with the option once is not searched after its first match", () => {
  for (const pattern of [/ab/, /(?<!x)ab/]) {
    using scanner = new Scanner();
    const once = scanner.add(pattern, { once: true, text: true });
    const always = scanner.add(/b/);
    const matches = scanner.scan(encoder.encode("abab"));
    const of = (id: number) =>
      matches.filter((match) => match.id === id).map(({ end }) => end);
    assertEquals([of(once), of(always)], [[2], [2, 4]]);
    assertEquals(scanner.scan(encoder.encode("ab")), [{ id: always, end: 6 }]);
  }
});

Deno.test("deleting a pattern twice, or one that never was, changes nothing", () => {
  using scanner = new Scanner();
  const id = scanner.add(/a/);
  scanner.delete(id);
  scanner.delete(id);
  scanner.delete(99);
  assertEquals(scanner.scan(encoder.encode("a")), []);
});

Deno.test("^ and \\b see what came before the pattern was added", () => {
  using scanner = new Scanner();
  scanner.scan(encoder.encode("x"));
  const start = scanner.add(/^y/);
  const line = scanner.add(/^y/m);
  const word = scanner.add(/\by/);
  assertEquals(scanner.scan(encoder.encode("y")), []);
  assertEquals(
    scanner.scan(encoder.encode("\ny")).map(({ id }) => id),
    [line, word],
  );
  assertEquals(start > 0, true);
});

Deno.test("a match that depends on the next character waits for it, or for the end", () => {
  using scanner = new Scanner();
  const dollar = scanner.add(/a$/m);
  const end = scanner.add(/a$/);
  const word = scanner.add(/a\b/);
  assertEquals(scanner.scan(encoder.encode("a")), []);
  assertEquals(scanner.scan(encoder.encode("\n")), [
    { id: dollar, end: 1 },
    { id: word, end: 1 },
  ]);
  assertEquals(scanner.scan(encoder.encode("a")), []);
  assertEquals(scanner.finish().map(({ id, end }) => [id, end]), [
    [dollar, 3],
    [end, 3],
    [word, 3],
  ]);
});

Deno.test("a stream that pauses has an end there, and goes on", () => {
  for (const lookAround of ["", "(?<=x?)"]) {
    using scanner = new Scanner({ skipCarriageReturns: true });
    const options = { once: true, text: true };
    const prompt = scanner.add(new RegExp(`${lookAround}a: $`), options);
    const line = scanner.add(new RegExp(`${lookAround}b$`, "m"), options);
    assertEquals(scanner.scan(encoder.encode("a: ")), []);
    assertEquals(scanner.scan(encoder.encode("b")), []);
    assertEquals(scanner.pause().map(({ id, end }) => [id, end]), [[line, 4]]);
    assertEquals(scanner.pause(), []);
    assertEquals(scanner.scan(encoder.encode("\r\na: ")), []);
    assertEquals(scanner.pause().map(({ id, end }) => [id, end]), [[
      prompt,
      9,
    ]]);
    const whole = scanner.add(/é$/);
    assertEquals(scanner.scan(Uint8Array.of(0xc3)), []);
    assertEquals(scanner.pause(), []);
    assertEquals(scanner.scan(Uint8Array.of(0xa9)), []);
    assertEquals(scanner.pause().map(({ id }) => id), [whole]);
  }
});

Deno.test("carriage returns are invisible if that is asked for, and counted", () => {
  const skip = { skipCarriageReturns: true };
  assertEquals(ends(/a\nb/, ["a\r\nb"], skip), [4]);
  assertEquals(ends(/login/, ["lo\r", "\rgi\r\rn\r"], skip), [9]);
  assertEquals(ends(/a$/m, ["a\r", "\r", "\n"], skip), [1]);
  assertEquals(ends(/\r/, ["\r\n"], skip), []);
  assertEquals(ends(/\r\n/, ["\r\n"]), [2]);
});

Deno.test("bytes that are not UTF-8 are U+FFFD, as TextDecoder has it", () => {
  assertEquals(ends(/\ufffd/, [[0xff]]), [1]);
  assertEquals(ends(/\ufffd{2}a/, [[0xe2, 0x82], [0xc3, 0x61]]), [4]);
  assertEquals(ends(/\ufffd/, [[0xe2]]), [1]);
  assertEquals(ends(/a.b/, [[0x61, 0xf0, 0x9f, 0x98, 0x62]]), [5]);
});

Deno.test("without u a character beyond U+FFFF is two, with u it is one", () => {
  assertEquals(ends(/^..$/, ["😀"]), [4]);
  assertEquals(ends(/^.$/, ["😀"]), []);
  assertEquals(ends(/^.$/u, ["😀"]), [4]);
  assertEquals(ends(/[\ud83d][\ude00]/, ["😀"]), [4]);
});

Deno.test("a string is the source of a regular expression", () => {
  assertEquals(ends("lo.in", ["login"]), [5]);
  using scanner = new Scanner();
  assertThrows(() => scanner.add("("), SyntaxError);
});

Deno.test("with text, a match has its start and its groups", () => {
  using scanner = new Scanner({ skipCarriageReturns: true });
  const id = scanner.add(/(?<user>\w+)@(\w+)!/, { text: true });
  scanner.scan(encoder.encode("é\r\nmail ro\r"));
  const [match] = scanner.scan(encoder.encode("ot@host! more"));
  assertEquals([match.id, match.start, match.end], [id, 9, 20]);
  assertEquals([...match.groups!], ["root@host!", "root", "host"]);
  assertEquals(match.groups!.groups!.user, "root");
});

Deno.test("with text, each match's text begins where the one before ended", () => {
  using scanner = new Scanner();
  scanner.add(/(.*)b/, { text: true });
  assertEquals(
    scanner.scan(encoder.encode("ab cb")).map(({ groups }) => groups![1]),
    ["a", " c"],
  );
});

Deno.test("with text, the characters after a match on which it depends are not part of it", () => {
  using scanner = new Scanner();
  scanner.add(/(\w+) \b/, { text: true });
  const [match] = scanner.scan(encoder.encode("foo bar"));
  assertEquals([match.start, match.end], [0, 4]);
  assertEquals([...match.groups!], ["foo ", "foo"]);
});

Deno.test("with text, a match that began before the window has none", () => {
  using scanner = new Scanner({ window: 64 });
  scanner.add(/start[^]*end/, { text: true });
  scanner.scan(encoder.encode("start"));
  scanner.scan(encoder.encode(".".repeat(1000)));
  const [match] = scanner.scan(encoder.encode("end"));
  assertEquals(match, { id: match.id, end: 1008 });
});

Deno.test("with text, the characters before a match decide about its start", () => {
  for (const pattern of [/^ab|b/, /\bfoo|oo/]) {
    using scanner = new Scanner();
    scanner.scan(encoder.encode("xyz"));
    scanner.add(pattern, { text: true });
    const [match] = scanner.scan(encoder.encode("abfoo"));
    assertEquals(match.groups![0], pattern.source.split("|")[1]);
  }
});

Deno.test("with text, a backtracker's vain tries cost nothing", () => {
  using scanner = new Scanner();
  scanner.add(/(?:\w+)+@/, { text: true });
  const [match] = scanner.scan(encoder.encode(`${"a".repeat(60)} user@`));
  assertEquals([match.start, match.end], [61, 66]);
});

Deno.test("V8's patterns do not take the window for the stream", () => {
  for (const pattern of [/^foo(?!bar)/, /(?!x)\bfoo/]) {
    using scanner = new Scanner({ window: 64 });
    scanner.add(pattern);
    for (let i = 0; i < 100; i++) {
      assertEquals(scanner.scan(encoder.encode("zzfoozz".slice(i % 3))), []);
    }
  }
});

Deno.test("look-around and back-references are left to V8", () => {
  assertEquals(ends(/foo(?!bar)/, ["foobar food"]), [10]);
  assertEquals(ends(/(?<=\$)\d/, ["7 $", "8"]), [4]);
  assertEquals(ends(/(\w)\1/, ["ab", "bc"]), [3]);
  assertEquals(ends(/(?<a>x)\k<a>/, ["xx"]), [2]);
  assertEquals(ends(/[\p{L}--[a-z]]/v, ["aÉ"]), [3]);
});

Deno.test("V8's matches and the scanner's come in the order of their ends", () => {
  using scanner = new Scanner();
  const late = scanner.add(/d/);
  const early = scanner.add(/(b)(?=c)/);
  assertEquals(
    scanner.scan(encoder.encode("abcd")).map(({ id }) => id),
    [early, late],
  );
});

Deno.test("a pattern that makes a backtracker explode is searched in linear time", () => {
  using scanner = new Scanner();
  scanner.add(/(?:a+)+b|(?:a|aa)*c|(?:.*)*=/);
  const text = encoder.encode("a".repeat(1_000_000));
  const start = performance.now();
  assertEquals(scanner.scan(text), []);
  // Backtracking would take longer than the universe has been there.
  assertEquals(performance.now() - start < 10_000, true);
  assertEquals(scanner.scan(encoder.encode("b")).length, 1);
});

Deno.test("a long match whose end has not come hides behind no short one", () => {
  using scanner = new Scanner();
  const long = scanner.add(/[0-9a-f]{8}\b/);
  const short = scanner.add(/[a-z]\d{2}[a-z]/);
  assertEquals(scanner.scan(encoder.encode("0f00f00")), [
    { id: short, end: 5 },
  ]);
  assertEquals(scanner.scan(encoder.encode("f\n")), [{ id: long, end: 8 }]);
});

Deno.test("texts that overlap are found, whichever is the easiest to see", () => {
  using scanner = new Scanner();
  for (const pattern of [/After/, /in/, /are in emergency/]) {
    scanner.add(pattern);
  }
  const text = "You are in emergency mode. After logging in";
  assertEquals(
    scanner.scan(encoder.encode(text)).map(({ id, end }) => [id, end]),
    [[2, 10], [3, 20], [1, 32], [2, 39], [2, 43]],
  );
});

Deno.test("more states than the cache holds are searched all the same", () => {
  using scanner = new Scanner();
  scanner.add(/a[ab]{16}c/);
  const text = new Uint8Array(300_000);
  let state = 1;
  for (let i = 0; i < text.length; i++) {
    state = Math.imul(state, 1103515245) + 12345 | 0;
    text[i] = 97 + (state >>> 16 & 1);
  }
  text.set(encoder.encode("abababababababababc"), 299_000);
  const at = (() => {
    for (let end = 0; end < text.length; end++) {
      if (text[end] === 99 && text[end - 17] === 97) return [end + 1];
    }
    return [];
  })();
  assertEquals(scanner.scan(text).map(({ end }) => end), at);
});

Deno.test("a scanner that was disposed of says so", () => {
  const scanner = new Scanner();
  scanner[Symbol.dispose]();
  scanner[Symbol.dispose]();
  assertThrows(() => scanner.scan(new Uint8Array(1)), TypeError, "disposed");
  assertThrows(() => scanner.add(/a/), TypeError, "disposed");
});

Deno.test("scanners that share a pattern know nothing of each other", () => {
  for (const pattern of [/a+b/, /(a+)b\1/]) {
    using one = new Scanner();
    using other = new Scanner({ skipCarriageReturns: true });
    const id = one.add(pattern);
    other.add(/c/);
    const later = other.add(pattern);
    assertEquals(one.scan(encoder.encode("aa")), []);
    assertEquals(other.scan(encoder.encode("b")), []);
    assertEquals(one.scan(encoder.encode("ba")), [{
      id,
      end: pattern.source === "a+b" ? 3 : 4,
    }]);
    one.delete(id);
    assertEquals(other.scan(encoder.encode("a\rba")), [{
      id: later,
      end: pattern.source === "a+b" ? 4 : 5,
    }]);
  }
});
