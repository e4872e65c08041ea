import { assertEquals } from "@std/assert";
import { absolute, baseName, directoryOf } from "../src/paths.ts";

Deno.test("a path is made absolute from the working directory, or from another one", () => {
  assertEquals(absolute("/a/b"), "/a/b");
  assertEquals(absolute("/a/b", "/c"), "/a/b");
  assertEquals(absolute("a/b", "/c"), "/c/a/b");
  assertEquals(absolute("a"), `${Deno.cwd()}/a`);
  for (const here of [".", ""]) {
    assertEquals(absolute(here), Deno.cwd());
    assertEquals(absolute(here, "/c"), "/c");
  }
});

Deno.test("a path is cut into its directory and its last part", () => {
  for (
    const [path, directory, name] of [
      ["/a/b", "/a", "b"],
      ["/a//b", "/a", "b"],
      ["/a/b/", "/a", "b"],
      ["/a", "/", "a"],
      ["a/b", "a", "b"],
      ["a", ".", "a"],
      ["../a", "..", "a"],
      ["/", "/", ""],
      ["/a\nb/c", "/a\nb", "c"],
    ]
  ) {
    assertEquals([directoryOf(path), baseName(path)], [directory, name], path);
  }
});
