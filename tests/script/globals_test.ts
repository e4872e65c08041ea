import { assertEquals, assertStrictEquals } from "@std/assert";
import { bindGlobals } from "../../src/script/globals.ts";

// deno-lint-ignore no-explicit-any
const scope = globalThis as any;

Deno.test("names are bound until they are released", () => {
  {
    using bound = bindGlobals({ webServer: 1, web_server: 2 });
    assertEquals(bound.refused, []);
    assertEquals([scope.webServer, scope.web_server], [1, 2]);
  }
  assertEquals("webServer" in globalThis, false);
});

Deno.test("what JavaScript has under a name stays what it is", () => {
  const { console } = globalThis;
  using bound = bindGlobals({ console: "a machine", crypto: 1, fine: 2 });
  assertEquals(bound.refused, ["console", "crypto"]);
  assertStrictEquals(globalThis.console, console);
  assertEquals(scope.fine, 2);
});
