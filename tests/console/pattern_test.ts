import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { compilePattern } from "../../src/console/pattern.ts";
import { UsageError } from "../../src/errors.ts";

for (const flags of ["g", "y", "gy", "gi"]) {
  Deno.test(`each search with /${flags} begins anew`, () => {
    const given = new RegExp("ab", flags);
    // As it stands after a search of the author's own.
    given.lastIndex = 2;
    const pattern = compilePattern(given);
    assertEquals(pattern.test("ab"), true);
    if (!given.sticky) {
      assertEquals(pattern.test("ab"), true);
      assertEquals(pattern.test("-ab"), true);
    }
    assertEquals(pattern.ignoreCase, given.ignoreCase);
    assertEquals(given.lastIndex, 2);
  });
}

Deno.test("a pattern without a state is used as it is", () => {
  const given = /a/im;
  assertStrictEquals(compilePattern(given), given);
});

Deno.test("a pattern's source may have flags", () => {
  assertEquals(String(compilePattern("^a$", "m")), "/^a$/m");
});

Deno.test("a value that is no pattern is refused", () => {
  assertThrows(() => compilePattern("("), UsageError, "Invalid regular");
  assertThrows(
    () => compilePattern(7 as unknown as string),
    UsageError,
    "Expected a regular expression or its source, got 7",
  );
});
