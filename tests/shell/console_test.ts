import { assertEquals, assertRejects } from "@std/assert";
import { Shell, ShellLost } from "../../src/shell/mod.ts";
import { hostBash } from "./host_bash.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("a shell without ports runs commands over its console", async (t) => {
  await using console = hostBash();
  using shell = new Shell({ console });

  await t.step("and answers their status and their stdout", async () => {
    const { status, stdout } = await shell.run(
      "echo out; echo err >&2; exit 3",
    );
    assertEquals([status, text(stdout)], [3, "out\n"]);
  });

  await t.step("with stderr apart where that is asked for", async () => {
    const { stdout, stderr } = await shell.run("echo out; echo err >&2", {
      stderr: "separate",
    });
    assertEquals([text(stdout), text(stderr)], ["out\n", "err\n"]);
  });

  await t.step("with stderr in stdout where that is asked for", async () => {
    const { stdout } = await shell.run("echo out; echo err >&2", {
      stderr: "merge",
    });
    assertEquals(text(stdout), "out\nerr\n");
  });

  await t.step("whatever bytes they are made of and write", async () => {
    const { stdout } = await shell.run(
      "printf '\\0\\377\\r\\n%s' 'ä\\\r☃\u0003'",
    );
    assertEquals(
      stdout,
      new Uint8Array([
        0,
        255,
        13,
        10,
        ...new TextEncoder().encode("ä\\\r☃\u0003"),
      ]),
    );
  });

  await t.step("several at once", async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, n) => shell.run(`echo ${n}; exit ${n}`)),
    );
    assertEquals(
      results.map(({ status, stdout }) => [status, text(stdout)]),
      results.map((_, n) => [n, `${n}\n`]),
    );
  });

  await t.step("and an unclosed quote hurts nobody else", async () => {
    const { status } = await shell.run("echo 'unclosed");
    assertEquals(status, 2);
    assertEquals((await shell.run("true")).status, 0);
  });

  await t.step("a timeout ends the process group with 124", async () => {
    const { status, timedOut, stdout } = await shell.run(
      "echo begun; sleep 1000 & sleep 1000",
      { timeout: 0.2 },
    );
    assertEquals([status, timedOut, text(stdout)], [124, true, "begun\n"]);
  });

  await t.step("a timeout of a month is not over at once", async () => {
    const results = await Promise.all(
      [Infinity, 30 * 24 * 3600].map((timeout) =>
        shell.run("sleep 0.1", { timeout })
      ),
    );
    assertEquals(results.map(({ timedOut }) => timedOut), [false, false]);
  });

  await t.step("a NUL byte is refused", async () => {
    await assertRejects(() => shell.run("echo \0"), TypeError, "offset 5");
  });
});

Deno.test("all that is under way fails when the shell is lost", async () => {
  await using console = hostBash();
  using shell = new Shell({ console });
  const running = shell.run("sleep 1000");
  await shell.run("true");
  shell.lose("the guest went away");
  await assertRejects(() => running, ShellLost, "the guest went away");
});
