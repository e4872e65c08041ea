import { assertEquals } from "@std/assert";
import { escape } from "../../src/report/escape.ts";

Deno.test("characters with a meaning in XML and HTML are escaped", () => {
  assertEquals(
    escape(`<a href="x" id='y'>&amp;</a>`),
    "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;",
  );
});

Deno.test("line ends and tabs stay in an element, and are escaped in an attribute", () => {
  assertEquals(escape("a\tb\r\nc\rd\n"), "a\tb\nc\nd\n");
  assertEquals(escape("a\tb\r\nc\rd\n", true), "a&#9;b&#10;c&#10;d&#10;");
});

Deno.test("invisible characters are shown, and those that XML forbids are left out", () => {
  assertEquals(
    escape("\x1b[31mred\x1b[0m \x07 a\u202eb\u200bc \ud800 \ufffe", true),
    "red \u2407 a\ufffdb\ufffdc \ufffd \ufffd",
  );
});
