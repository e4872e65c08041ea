/** Whether a process exits. */
import { assertEquals } from "@std/assert";
import { isExiting } from "../../src/backend/is_exiting.ts";
import { forgotten, gone } from "./processes.ts";

Deno.test("a process exits from its end on, while its parent has not heard of that, and when it is gone", async () => {
  let parent: number;
  {
    await using process = await forgotten();
    parent = process.parent;
    assertEquals(isExiting(process.pid), false);
    await process.end();
    await gone(() => !isExiting(process.pid));
    assertEquals(isExiting(parent), false);
  }
  assertEquals(isExiting(parent), true);
});
