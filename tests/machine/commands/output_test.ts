import { assertEquals } from "@std/assert";
import { lastLines } from "../../../src/machine/commands/output.ts";

Deno.test("a failure quotes the last lines of an output, without the middle of long ones", () => {
  const output = [..."abcdefghijkl"].join("\n") + "y".repeat(2_000_000) + "z\n";
  assertEquals(
    lastLines(output, "; its stderr ended with:\nbad"),
    `; its output ended with:\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl${"y".repeat(499)}` +
      `… 1999002 characters …${"y".repeat(499)}z\nits stderr ended with:\nbad`,
  );
});
