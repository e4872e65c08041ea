import { assertEquals, assertMatch } from "@std/assert";

Deno.test("the type stubs describe the package", async () => {
  const { stdout, stderr } = await new Deno.Command("python3", {
    args: [
      new URL("./stubs.py", import.meta.url).pathname,
      new URL("../../../src/script/python", import.meta.url).pathname,
    ],
    env: { PYTHONDONTWRITEBYTECODE: "1" },
  }).output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stdout).trim(), "");
  assertMatch(decoder.decode(stderr), /^\d\d modules/);
});
