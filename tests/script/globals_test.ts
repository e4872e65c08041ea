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

Deno.test("names of JavaScript keep their values", () => {
  const { console } = globalThis;
  using bound = bindGlobals({ console: "a machine", crypto: 1, fine: 2 });
  assertEquals(bound.refused, ["console", "crypto"]);
  assertStrictEquals(globalThis.console, console);
  assertEquals(scope.fine, 2);
});

Deno.test("a name keeps its value where an earlier binding of it is undone", () => {
  const first = bindGlobals({ webServer: 1 });
  {
    using _second = bindGlobals({ webServer: 2 });
    first[Symbol.dispose]();
    assertEquals(scope.webServer, 2);
  }
  assertEquals("webServer" in globalThis, false);
});

Deno.test("code that started with a name's value keeps it, however long it runs", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen: Promise<number>;
  {
    using first = bindGlobals({ webServer: 1 });
    seen = first.run(async () => {
      await promise;
      return scope.webServer;
    });
  }
  using _second = bindGlobals({ webServer: 2 });
  resolve();
  assertEquals([await seen, scope.webServer], [1, 2]);
});
