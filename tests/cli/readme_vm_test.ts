import { assertEquals } from "@std/assert";
import { guest } from "../guests/mod.ts";
import { temporaryDirectory, vmwright } from "./vmwright.ts";

/** What differs from run to run, or from kernel to kernel. */
function steady(text: string): string {
  return text
    .replace(/after \d+\.\d\d seconds/, "after N seconds")
    .replace(/"Linux \S+$/m, '"Linux RELEASE')
    .replace(/^(!!! artifacts: ).*(\/out\/report\.html)$/m, "$1DIR$2");
}

Deno.test("The README's first test fails as the README shows", async () => {
  const readme = Deno.readTextFileSync(
    new URL("../../README.md", import.meta.url),
  );
  const script = /^```ts\n([^`]*NetBSD[^`]*)^```$/m.exec(readme)![1];
  const shown = /^```\n(!!! first\.ts[^]*?)^```$/m.exec(readme)![1];
  const command = /^deno run -A cli\.ts (.* first\.ts)$/m.exec(readme)![1];

  const { startScript } = await guest("tiny");
  using directory = temporaryDirectory({ "first.ts": script });
  Deno.symlinkSync(startScript, `${directory.path}/run-web-vm`);
  const { code, stderr } = await vmwright(command.split(" "), {
    cwd: directory.path,
  });
  assertEquals(code, 1, stderr);
  const said = stderr.split("\n").filter((line) => line.startsWith("!!!"));
  assertEquals(steady(`${said.join("\n")}\n`), steady(shown));
});
