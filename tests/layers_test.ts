import { assertEquals } from "@std/assert";
import { findings } from "./layers.ts";

const rooms = ["errors.ts", "time", "report"];

function texts(files: Record<string, string>): string[] {
  return findings(new Map(Object.entries(files)), rooms).map(({ text }) =>
    text
  );
}

Deno.test("A file may import from its own room and from those before it", () => {
  assertEquals(
    texts({
      "src/errors.ts": "",
      "src/time/clock.ts": 'import { A } from "../errors.ts";\n',
      "src/report/log.ts":
        'import { B } from "../time/clock.ts";\nexport * from "./page.ts";\n',
      "src/report/page.ts": "",
    }),
    [],
  );
});

Deno.test("An import from a room that comes later is found, also of a type", () => {
  const text =
    "src/time/clock.ts imports src/report/log.ts, from a room that comes later";
  for (
    const line of [
      'import { Log } from "../report/log.ts";',
      'import type { Log } from "../report/log.ts";',
      'import "../report/log.ts";',
      'const { Log } = await import("../report/log.ts");',
      'export { Log } from "../report/log.ts";',
      'let log: import("../report/log.ts").Log;',
      'import {\n  Log,\n  type Step,\n} from "../report/log.ts";',
    ]
  ) {
    assertEquals(texts({ "src/time/clock.ts": line }), [text], line);
  }
});

Deno.test("An import in a comment does not count", () => {
  assertEquals(
    texts({
      "src/time/clock.ts":
        '// import "../report/log.ts";\n/** import { A } from "../report/log.ts" */\n',
    }),
    [],
  );
});

Deno.test("A file in no room of the plan is found", () => {
  assertEquals(texts({ "src/utils/all.ts": "" }), [
    "src/utils/all.ts is in no room of the plan",
  ]);
});

Deno.test("An import of a file above the rooms is found", () => {
  assertEquals(
    texts({
      "src/time/clock.ts":
        'import { a } from "../../tests/a.ts";\nimport "../../mod.ts";\nimport "../../wasm/a.wasm";',
      "src/report/page.ts": 'import * as api from "../../mod.ts";',
    }),
    [
      "src/time/clock.ts imports tests/a.ts, from outside of src/",
      "src/time/clock.ts imports mod.ts, from outside of src/",
    ],
    "the library itself is for the last room alone",
  );
});

Deno.test("Files that import each other in a circle are found", () => {
  assertEquals(
    texts({
      "src/time/a.ts": 'import "./b.ts";',
      "src/time/b.ts": 'import "./c.ts";',
      "src/time/c.ts": 'import "./a.ts";',
      "wasm/one.ts": 'import { two } from "./two";',
      "wasm/two.ts": 'import { one } from "./one";',
    }),
    [
      "circle: src/time/a.ts -> src/time/b.ts -> src/time/c.ts -> src/time/a.ts",
      "circle: wasm/one.ts -> wasm/two.ts -> wasm/one.ts",
    ],
  );
});
