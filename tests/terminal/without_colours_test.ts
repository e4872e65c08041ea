import { assertEquals } from "@std/assert";
import { withoutColours } from "../../src/terminal/mod.ts";

Deno.test("a text loses its colours, and nothing else", () => {
  assertEquals(
    withoutColours("\x1b[0m\x1b[1;31merror\x1b[0m: [31m \x1b[2J\x1b[m"),
    "error: [31m \x1b[2J",
  );
});
