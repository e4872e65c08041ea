import { assertEquals } from "@std/assert";
import { rewriteImports } from "../../../src/script/prompt/imports.ts";

for (
  const [code, expected] of [
    [`import "a";`, `await import("a");`],
    [`import a from "b"`, `const { default: a } = await import("b");`],
    [
      `import { a, b as c } from 'd';`,
      `const { a, b: c } = await import('d');`,
    ],
    [`import * as a from "b"; a.c()`, `const a = await import("b"); a.c()`],
    [
      `import a, { b } from "c"`,
      `const { default: a, b } = await import("c");`,
    ],
    [
      `import a, * as b from "c"`,
      `const b = await import("c"); const { default: a } = b;`,
    ],
    [
      `import a from "./a.json" with { type: "json" };`,
      `const { default: a } = await import("file:///x/y%20z/a.json", { with: { type: "json" } });`,
    ],
    [`import "../a.ts"`, `await import("file:///x/a.ts");`],
    [
      `(await import('./a.ts')).b`,
      `(await import("file:///x/y%20z/a.ts")).b`,
    ],
    [`x = "import a from './b'"`, `x = "import a from './b'"`],
    [`// import "a"`, `// import "a"`],
    [`import.meta.url`, `import.meta.url`],
    [`a.import("b")`, `a.import("b")`],
    [`import(name)`, `import(name)`],
  ]
) {
  Deno.test(`rewriteImports() turns ${code} into code for a script`, () => {
    assertEquals(rewriteImports(code, "/x/y z"), expected);
  });
}
