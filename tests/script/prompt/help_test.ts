import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { BaseMachine, Driver, QemuMachine } from "../../../mod.ts";
import { declarationsIn, makeHelp } from "../../../src/script/prompt/help.ts";

const help = makeHelp(["machine", "startAll", "start_all"]);
const shown = (value: unknown) => Deno.inspect(value);

Deno.test("help without arguments lists all names, each once", () => {
  for (const text of [shown(help), shown(help())]) {
    assertMatch(text, /^names: machine startAll$/m);
    assertStringIncludes(text, "help(machine.waitForUnit)");
  }
});

const { waitForUnit } = BaseMachine.prototype;
for (
  const what of [waitForUnit, "waitForUnit", "wait_for_unit", "web.waitForUnit"]
) {
  Deno.test(`help(${typeof what === "string" ? JSON.stringify(what) : "machine.waitForUnit"}) shows the signature and what it does`, () => {
    const text = shown(help(what));
    assertMatch(text, /^waitForUnit\(unit: string, .*\): Promise<void>$/m);
    assertMatch(text, /^ {2}\S.*unit/m);
    assertEquals(text.includes("linkcode"), false);
  });
}

Deno.test("every method of machines and of the driver has help", () => {
  for (const { prototype } of [BaseMachine, QemuMachine, Driver]) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (name.includes("_") || ["constructor", "toString"].includes(name)) {
        continue;
      }
      const text = shown(help(name));
      assertEquals(text.startsWith("there is no help"), false, text);
    }
  }
});

Deno.test("an unknown name is reported, with a suggestion", () => {
  assertEquals(
    shown(help("waitForUnti")),
    "there is no help for waitForUnti; did you mean waitForUnit?",
  );
  assertMatch(shown(help(7)), /^help\(\) expects a function/);
});

Deno.test("a declaration is read with its comment", () => {
  assertEquals(
    declarationsIn(`
  /**
   * Does {@linkcode it}.
   *
   *  - indented
   */
  async doIt<T>(
    one: string,
    two: number,
  ): Promise<T> {
  /** A fact. */
  get fact(): string {
`),
    [
      [
        "doIt",
        "doIt<T>(one: string, two: number): Promise<T>\n  Does it.\n\n   - indented",
      ],
      ["fact", "get fact(): string\n  A fact."],
    ],
  );
});
