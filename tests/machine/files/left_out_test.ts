import { assertEquals } from "@std/assert";
import { LeftOut } from "../../../src/machine/files/left_out.ts";

Deno.test("a complete copy has no warning", () => {
  assertEquals(new LeftOut().warning, undefined);
});

Deno.test("one warning names what is left out, by the reason", () => {
  const left = new LeftOut();
  left.add("tree/pipe");
  left.add("tree/\\351", "name");
  left.add("tree/device");
  assertEquals(
    left.warning,
    "Only files, directories and links are copied; left out: tree/pipe, " +
      "tree/device; names that are not UTF-8 are left out: tree/\\351",
  );
});

Deno.test("a warning about many names has the first ones, and their number", () => {
  const left = new LeftOut();
  for (let at = 0; at < 1000; at++) left.add(`file${at}`, "unreadable");
  assertEquals(
    left.warning,
    "Left out, because permission to read is missing: file0, file1, file2, file3, file4, file5, " +
      "file6, file7, file8, file9 and 990 more",
  );
});

Deno.test("a name with a line end makes no line of its own", () => {
  const left = new LeftOut();
  left.add("tree/pipe\n!!! all is lost\r\n");
  assertEquals(
    left.warning,
    "Only files, directories and links are copied; left out: " +
      "tree/pipe␊!!! all is lost␊␊",
  );
});
