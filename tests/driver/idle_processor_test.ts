import { assertEquals } from "@std/assert";
import { hasIdleProcessor } from "../../src/driver/idle_processor.ts";

Deno.test("no processor is idle where as many programs as there are begin to run", () => {
  assertEquals(hasIdleProcessor(navigator.hardwareConcurrency), false);
});

Deno.test("processors are idle where far fewer programs run than there are", () => {
  assertEquals(hasIdleProcessor(-1e6), true);
});
