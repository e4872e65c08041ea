/** Greetings on the backdoor console, of a new shell and of others. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MachineError } from "../../mod.ts";
import { booted } from "../machine/booted.ts";

const GREETING = "echo 'Spawning backdoor root shell...' >/dev/hvc0";
/** Greets again and again, as the first may come before it is awaited. */
const GREETINGS =
  `until [ -e /back ]; do ${GREETING}; sleep 0.5; done >/dev/null &`;

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
      await machine.succeed(GREETINGS);
      machine.disconnect();
      for (let n = 0; n < 3; n++) {
        assertMatch(await machine.succeed(STDOUT), /^\/dev\/vport/);
      }
      await machine.succeed("touch /back");
    },
  );

  await t.step(
    "comes after a command that nobody waits for, which was sent before",
    async () => {
      await machine.succeed(`rm /back; ${GREETINGS}`);
      await machine.execute("touch /sent", { checkOutput: false });
      machine.disconnect();
      await machine.waitForFile("/sent", { timeout: 60 });
      await machine.succeed("touch /back");
    },
  );
});

/** Prints the process that is the parent of another. */
const PARENT = "parent() { read -r _ _ _ parent _ </proc/$1/stat; }";

Deno.test("the end of a shell that had a terminal", async (t) => {
  await using test = await booted();
  const { machine } = test;
  const shells = {
    "the shell": "parent $PPID",
    "the one with the terminal": "parent $PPID; parent $parent",
  };
  for (const [which, find] of Object.entries(shells)) {
    for (const signal of ["HUP", "TERM", "KILL"]) {
      await t.step(`by SIG${signal} to ${which}`, async () => {
        const server = (await machine.succeed("echo $PPID")).trim();
        // Fails the commands that run,
        await assertRejects(
          () =>
            machine.succeed(
              `${PARENT}; ${find}; kill -${signal} $parent; ` +
                "while [ -e /proc/$PPID ]; do sleep 0.1; done",
              { timeout: 100 },
            ),
          MachineError,
          "The guest's shell has started again",
        );
        // leaves no server behind that has its port,
        await machine.waitUntilFails(`[ -e /proc/${server} ]`, { timeout: 60 });
        // and gives way to the next shell.
        assertMatch(await machine.succeed(STDOUT), /^\/dev\/vport/);
      });
    }
  }
});
