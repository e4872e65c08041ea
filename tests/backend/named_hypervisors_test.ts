import { assertEquals } from "@std/assert";
import { kinds } from "../../src/backend/mod.ts";

const SRC = new URL("../../src", import.meta.url).pathname;

/** All files of TypeScript below a directory, but for those of backends. */
function* filesIn(directory: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = `${directory}/${name}`;
    if (directory === `${SRC}/backend` && isDirectory) continue;
    if (isDirectory) yield* filesIn(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

Deno.test("nothing is decided by a hypervisor's name, or by its machines' class", () => {
  const names = Object.keys(kinds).map((name) => `"${name}"`);
  const classes = [
    "QemuMachine",
    "ContainerMachine",
    "MicroVmMachine",
    "CloudHypervisorMachine",
  ];
  const decision = new RegExp(
    `((===|!==|case)\\s*(${names.join("|")})|instanceof\\s+(${
      classes.join("|")
    }))`,
  );
  const found = [...filesIn(SRC)].flatMap((path) =>
    Deno.readTextFileSync(path).split("\n")
      .filter((line) => decision.test(line))
      .map((line) => `${path.slice(SRC.length)}: ${line.trim()}`)
  );
  assertEquals(found, []);
});
