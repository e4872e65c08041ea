import { assertEquals } from "@std/assert";
import { withImports } from "../../src/suite/imports_of.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

Deno.test("a change of a script's imports, direct or not, touches the script", () => {
  using folder = temporaryDirectory({
    "a test?.ts": `import { one } from "./one.ts";
      import type { Two } from './sub/two.ts';
      import { assert } from "@std/assert";
      const three = await import("./three.ts");
      import "./gone.ts";`,
    "one.ts": `export * from "./sub/two.ts";`,
    "sub/two.ts": `import "../a test%3f.ts"; import "./four.ts";`,
    "sub/four.ts": "",
    "three.ts": "",
    "other.ts": "",
    "test.py": "import os\nimport helper\nfrom package.part import x\n",
    "helper.py": "",
    "package/part.py": "  from . import nothing\n",
    "other.py": "",
  });
  const files = (script: string) =>
    withImports(`${folder.path}/${script}`).map((file) =>
      file.slice(folder.path.length + 1)
    ).sort();
  assertEquals(files("a test?.ts"), [
    "a test?.ts",
    "one.ts",
    "sub/four.ts",
    "sub/two.ts",
    "three.ts",
  ]);
  assertEquals(files("test.py"), ["helper.py", "package/part.py", "test.py"]);
  assertEquals(files("none.py"), []);
});
