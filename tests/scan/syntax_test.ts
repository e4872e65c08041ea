import { assertEquals } from "@std/assert";
import { compile } from "../../src/scan/program.ts";
import { NotRegular } from "../../src/scan/syntax.ts";
import { disagreement } from "./pattern_case.ts";

const { raw } = String;

// Each source, with its flags, is searched by the scanner and by V8 in the
// texts after it.
const table: [source: string, flags: string, ...texts: string[]][] = [
  [raw`[]|a`, "", "a", ""],
  [raw`[^]`, "", "\n", "é"],
  [raw`[^\d\s]`, "", "1 x", "\u2003"],
  [raw`[a-\d]`, "", "-", "b", "5"],
  [raw`[\b]`, "", "\b"],
  [raw`[-a][a-][\]\\^]`, "", "-a]", "a-\\", "--^"],
  [raw`\x41\u0042\103\0`, "", "ABC\0"],
  [raw`\8\9[\8]`, "", "898"],
  [raw`\c\cA[\c_]`, "", "\\c\x01\x1f"],
  [raw`a{,2}{x`, "", "a{,2}{x"],
  [raw`]}`, "", "]}"],
  [raw`\/`, "", "/"],
  [raw`\ud83d`, "", "😀"],
  [raw`\u{1f600}`, "u", "😀"],
  [raw`\ud83d\ude00`, "u", "😀"],
  [raw`[😀-😃]`, "u", "😁", "😄"],
  [raw`[^😀]`, "u", "😁😀"],
  [raw`\p{Script=Greek}+$`, "u", "αβγ"],
  [raw`\P{L}`, "u", "a1"],
  [raw`\p{Lu}`, "iu", "aA1"],
  [raw`[^\P{Lu}]`, "iu", "aA1"],
  [raw`\w`, "iu", "\u017f\u212a"],
  [raw`\w`, "i", "\u017f\u212a"],
  [raw`\b\u017f`, "iu", "a\u017f", " \u017f"],
  [raw`\bk`, "", "\u212ak"],
  [raw`\bk`, "iu", "\u212ak"],
  [raw`ß|ẞ`, "iu", "ẞß", "SS"],
  [raw`ǆ`, "i", "ǅ", "Ǆ"],
  [raw`σ`, "i", "ς", "Σ"],
  [raw`[а-я]`, "i", "Ж"],
  [raw`[\ufb05\u0390\u03b0]`, "iu", "\ufb06", "\u1fd3", "\u1fe3", "\u0390"],
  [raw`ı|İ`, "iu", "i", "I", "İ"],
  [raw`(?i:a)b(?-i:c)`, "", "Ab", "AbC", "abc"],
  [raw`(?s:.).`, "", "\na", "\n\n"],
  [raw`(?m:^)a$`, "", "\na", "\na\n"],
  [raw`^|x`, "", "ax"],
  [raw`$`, "m", "a\n\u2028b\r\n"],
  [raw`(?:)*a`, "", "aa"],
  [raw`(?:a|^)*b`, "", "aab", "b"],
  [raw`(?:\b|x)+y`, "", "xy", " y"],
  [raw`(?:a*)*b`, "", "aaab"],
  [raw`(a|b)(?<n>c)?`, "", "acbc"],
  [raw`a`, "y", "aaba"],
  [raw`a|`, "y", "aaba"],
  [raw`a{0}b`, "", "b"],
  [raw`.{3,}?x|x`, "", "x", "1234x"],
  [raw`[\u0000-\uffff]`, "", "😀"],
  [raw`\s`, "", "\ufeff\u00a0\u1680\u180e\u2028"],
];

for (const [source, flags, ...texts] of table) {
  Deno.test(`/${source}/${flags} matches what V8 says`, () => {
    for (const text of texts) {
      const bytes = [...new TextEncoder().encode(text)];
      for (const chunks of [[bytes], bytes.map((byte) => [byte])]) {
        assertEquals(
          disagreement({
            patterns: [{ source, flags, from: 0, to: Infinity }],
            chunks,
            skipReturns: false,
            text: !bytes.includes(0xf0),
          }),
          undefined,
        );
      }
    }
  });
}

for (
  const [source, flags] of [
    [raw`(?=a)`, ""],
    [raw`(?<!a)b`, ""],
    [raw`(a)\1`, ""],
    [raw`(?<n>a)\k<n>`, ""],
    [raw`[[a-z]--[aeiou]]`, "v"],
    [raw`(?:a{1000}){1000}`, ""],
  ]
) {
  Deno.test(`/${source}/${flags} is left to V8`, () => {
    let left = false;
    try {
      compile(new RegExp(source, flags));
    } catch (error) {
      left = error instanceof NotRegular;
    }
    assertEquals(left, true);
  });
}
