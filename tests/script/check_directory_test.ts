import { assertEquals } from "@std/assert";
import type { Supervisor } from "../../src/backend/mod.ts";
import { makeCheckDirectory } from "../../src/script/check_directory.ts";

function isThere(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
}

Deno.test("the directory of a check has its owner before it is there, and only one check uses it", async () => {
  const told: string[] = [];
  const owner = {
    own: (path: string) => void told.push(`own, ${isThere(path)}`),
    disown: () => void told.push("disown"),
    makeDirectory: () => "/another",
  } as unknown as Supervisor;
  const text = crypto.randomUUID();
  const path = await makeCheckDirectory(text, owner);
  try {
    assertEquals(isThere(path), true);
    assertEquals(await makeCheckDirectory(text, owner), "/another");
    assertEquals(told, ["own, false"]);
  } finally {
    Deno.removeSync(path);
  }
});
