import { assert, assertEquals, assertMatch } from "@std/assert";
import { guestSide } from "../../src/shell/guest.ts";
import { frameOf, programOf } from "../../src/shell/program.ts";

/** What a bash prints that was sent our side of the guest, and then a command. */
async function said(command: string): Promise<string> {
  const { stdout } = await new Deno.Command("bash", {
    args: [
      "--norc",
      "-c",
      `eval "\${1%%$'\\n'*}" <<<"\${1#*$'\\n'}"; eval "$2"`,
      ...["bash", guestSide("token"), command],
    ],
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test("a shell takes every text as a whole", async () => {
  const text = await said(
    'for text in vw_runner vw_serve vw_rest; do bash -nc "${!text}" && echo "$text"; done',
  );
  const [up, , ...texts] = text.trim().split("\n");
  assert(/^token up \d/.test(up), text);
  assertEquals(texts.slice(-3), ["vw_runner", "vw_serve", "vw_rest"]);
});

Deno.test("a shell reads seldom-used functions when it needs them", async () => {
  const known = "declare -F vw_run || echo unknown";
  const text = await said(`${known}; vw_seldom; ${known}; vw_seldom; ${known}`);
  assertEquals(text.trim().split("\n").slice(-3), [
    "unknown",
    "vw_run",
    "vw_run",
  ]);
});

Deno.test("no command starts a new bash if a file can be executed", async () => {
  const text = await said('echo "${vw_shell[*]}"');
  assertMatch(text.trim().split("\n").at(-1)!, /^\/proc\/\d+\/fd\/9$/);
});

Deno.test("all text for a shell is ASCII, which it counts alike in every locale", () => {
  const program = programOf("echo 'grün' ≠ 🐚", {
    stdout: "port",
    stderr: "serial",
    stdin: false,
  });
  for (const text of [guestSide("token"), program]) {
    assert(/^[\0-\x7f]*$/.test(text), text);
  }
  assertEquals(
    frameOf(program, 1234).length,
    16 + program.length,
  );
});
