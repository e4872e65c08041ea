import { assertEquals } from "@std/assert";
import { fairTime } from "../../src/machine/fair_time.ts";

Deno.test("the slower a guest is, the longer it may take, to a limit", () => {
  const limits = { least: 3, paces: 10, most: 30 };
  const times = [0, 0.1, 0.3, 0.5, 2, 60].map((pace) => fairTime(pace, limits));
  assertEquals(times, [3, 3, 3, 5, 20, 30]);
});
