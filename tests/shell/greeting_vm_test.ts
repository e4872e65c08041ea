/** Greetings on the backdoor console that are not those of a new shell. */
import { assertEquals, assertMatch } from "@std/assert";
import { booted } from "../machine/booted.ts";

const GREETING = "echo 'Spawning backdoor root shell...' >/dev/hvc0";

/** Prints what stdout is: a port, or a file where the console carries it. */
const STDOUT = 'readlink "/proc/$$/fd"/1';

Deno.test("a greeting of another program", async (t) => {
  await using test = await booted();
  const { machine } = test;

  await t.step("ends no command, and takes no port away", async () => {
    const running = Array.from(
      { length: 4 },
      (_, n) => machine.succeed(`until [ -e /go ]; do :; done; echo ${n}`),
    );
    await machine.succeed(GREETING);
    await machine.succeed("touch /go");
    assertEquals((await Promise.all(running)).join(""), "0\n1\n2\n3\n");
    assertMatch(await machine.succeed(STDOUT), /^\/dev\/vport/);
  });

  await t.step(
    "brings back a shell that was declared lost, with its ports",
    async () => {
      await machine.succeed(`{ sleep 0.5; ${GREETING}; } >/dev/null &`);
      machine.disconnect();
      for (let n = 0; n < 3; n++) {
        assertMatch(await machine.succeed(STDOUT), /^\/dev\/vport/);
      }
    },
  );

  await t.step(
    "comes after a command that nobody waits for, which was sent before",
    async () => {
      await machine.succeed(
        `until [ -e /back ]; do ${GREETING}; sleep 0.5; done >/dev/null &`,
      );
      await machine.execute("touch /sent", { checkOutput: false });
      machine.disconnect();
      await machine.waitForFile("/sent", { timeout: 60 });
      await machine.succeed("touch /back");
    },
  );
});
