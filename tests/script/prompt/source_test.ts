import { assertEquals } from "@std/assert";
import {
  endsInOperator,
  scanSource,
} from "../../../src/script/prompt/source.ts";

for (
  const [code, isOpen] of [
    ["1 + 1", false],
    ["f(", true],
    ["f()", false],
    ["function f() {", true],
    ["`a", true],
    ["`a${", true],
    ["`a${`b`", true],
    ["`a${`b`}`", false],
    ["`a\\`", true],
    ["/* a", true],
    ["/* a */", false],
    ["// (", false],
    ["'('", false],
    ['"(', false],
    ["'a\\", true],
    ["'a\\\nb'", false],
    ["a / (b / c)", false],
    ["/[(/]/.test(x)", false],
    ["x.replace(/\\(/g, '')", false],
    ["return /(/", false],
    ["a = b / c; d = /'/", false],
    ["{ a: [1, 2", true],
    ["})", false],
    ["(]", false],
    ["class A { #x = 1;\n", true],
    ["", false],
  ] as const
) {
  Deno.test(`scanSource() says that ${JSON.stringify(code)} is ${isOpen ? "open" : "closed"}`, () => {
    assertEquals(scanSource(code).isOpen, isOpen);
  });
}

Deno.test("scanSource() masks text, and nothing else, in place", () => {
  assertEquals(
    scanSource("f('a)', `b${c}`, /d(/) // e\ng").masked,
    "f('  ', `   c}`, /  /)     \ng",
  );
});

for (
  const [code, ends] of [
    ["a +", true],
    ["a =>", true],
    ["a,", true],
    ["await", true],
    ["const", true],
    ["a++", false],
    ["a", false],
    ["a.const", false],
    ["a;", false],
  ] as const
) {
  Deno.test(`endsInOperator() is ${ends} for ${JSON.stringify(code)}`, () => {
    assertEquals(endsInOperator(code), ends);
  });
}
