import { assert, assertEquals, assertLess } from "@std/assert";
import { BoundedText } from "../../src/report/bounded_text.ts";

/** A text of lines, each of which ends. */
const joined = (lines: string[]) => lines.map((line) => `${line}\n`).join("");

Deno.test("a text that fits is kept as it came", () => {
  const text = new BoundedText(1000);
  const lines = ["", "one", "zwei ü", "drei 🎉", "\ufeffx", "\t", ""];
  for (const line of lines) text.add(line);
  assertEquals(String(text), joined(lines));
  // The text may be read twice, and may go on.
  text.add("last");
  assertEquals(String(text), joined([...lines, "last"]));
  assertEquals(text.lines, 8);
});

Deno.test("a text of any lines has its first, its last and the number of the others", () => {
  for (const longest of [3, 40, 300]) {
    const most = 1000;
    const text = new BoundedText(most);
    const lines: string[] = [];
    const size = (some: string[]) => new TextEncoder().encode(joined(some));
    for (let at = 0; at < 3000; at++) {
      lines.push("é🎉".repeat(at * 7919 % longest).slice(0, longest) + at);
      text.add(lines.at(-1)!);
      if (at % 100 !== 99) continue;
      const [, head, number, tail] =
        /^([^]*?)(?:… (\d+) lines left out …\n([^]*))?$/
          .exec(String(text))!;
      const first = head.split("\n").length - 1;
      assertEquals(head, joined(lines.slice(0, first)));
      if (number === undefined) {
        assertEquals(first, lines.length);
        continue;
      }
      const last = tail.split("\n").length - 1;
      assertEquals(first + Number(number) + last, lines.length);
      assertEquals(tail, joined(lines.slice(-last)));
      // Each is as much as fits.
      for (const part of [lines.slice(0, first), lines.slice(-last)]) {
        assert(size(part).length <= most);
      }
      assertLess(most, size(lines.slice(0, first + 1)).length);
      assertLess(most, size(lines.slice(-last - 1)).length);
    }
  }
});

Deno.test("a line that is longer than the limit is dropped", () => {
  const text = new BoundedText(10);
  text.add("x".repeat(100));
  assertEquals(String(text), "… 1 lines left out …\n");
  text.add("y".repeat(9));
  assertEquals(String(text), "… 1 lines left out …\nyyyyyyyyy\n");
  text.add("z".repeat(10));
  assertEquals(String(text), "… 3 lines left out …\n");
});

Deno.test("a text that is over keeps less, and may still go on", () => {
  for (const count of [3, 30, 300, 3000]) {
    const text = new BoundedText(5000), small = new BoundedText(100);
    for (let at = 0; at < count; at++) {
      text.add(`é ${at}`);
      small.add(`é ${at}`);
    }
    text.shrink(100);
    assertEquals(String(text), String(small));
    text.add("more");
    small.add("more");
    assertEquals(String(text), String(small));
  }
});
