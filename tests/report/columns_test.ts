import { assertEquals } from "@std/assert";
import { columnsOf, cut } from "../../src/report/columns.ts";

Deno.test("a line is cut where a terminal would break it", () => {
  const cases: [text: string, width: number, cut: string][] = [
    ["", 0, ""],
    ["ab", 0, ""],
    ["ab", 1, "…"],
    ["ab", 2, "ab"],
    ["abc", 2, "a…"],
    // Two columns each.
    ["漢字かな", 8, "漢字かな"],
    ["漢字かな", 7, "漢字か…"],
    ["漢字かな", 6, "漢字…"],
    ["한글😀!", 7, "한글😀!"],
    ["한글😀!", 6, "한글…"],
    // None for what is drawn over another.
    ["e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"],
    ["e\u0301e\u0301e\u0301", 2, "e\u0301…"],
    // Nobody knows how wide a tab is.
    ["a\tb", 3, "a b"],
    ["a\tbc", 3, "a …"],
  ];
  for (const [text, width, expected] of cases) {
    assertEquals(cut(text, width), expected, `${text}, ${width}`);
    assertEquals(columnsOf(expected) <= width, true, `${text}, ${width}`);
  }
});
