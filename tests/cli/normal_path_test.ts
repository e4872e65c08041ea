import { assertEquals } from "@std/assert";
import { resolve } from "node:path";
import { normalPath } from "../../src/cli/normal_path.ts";

Deno.test("a path is normalised as by Node's resolve()", () => {
  const names = ["", ".", "..", "a", "b c", "...", ".d", "é"];
  for (const first of names) {
    for (const second of names) {
      for (const third of names) {
        for (const end of ["", "/", "/.."]) {
          const path = `/${first}/${second}/${third}${end}`;
          assertEquals(normalPath(path), resolve(path), path);
        }
      }
    }
  }
});
