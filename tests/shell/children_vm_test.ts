/** What a command leaves behind that has its stdout: over ports. */
import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { MachineError, TestFailure } from "../../mod.ts";
import { booted } from "../machine/booted.ts";
import { warningOf } from "../machine/warning_of.ts";

/**
 * Prints what stdout is: a port, a pipe that leads to one, or a file where the
 * console carries it.
 */
const STDOUT = 'readlink "/proc/$$/fd"/1';

Deno.test("a child that has a command's stdout", async (t) => {
  await using test = await booted();
  const { machine, events } = test;
  const warnings = () => events.flatMap((event) => warningOf(event) ?? []);

  await t.step("has all its output in the answer if it ends soon", async () => {
    const commands = {
      "exec > >(tee /tmp/log); echo one; echo two": ["one", "two"],
      "printf 'one\\ntwo\\n' > >(cat)": ["one", "two"],
      "echo hi | tee >(sed s/h/j/)": ["hi", "ji"],
      "seq 20000 > >(sort -n | tail -n 1)": ["20000"],
      "{ sleep 0.3; echo late; } & echo early": ["early", "late"],
    };
    for (let n = 0; n < 4; n++) {
      for (const [command, lines] of Object.entries(commands)) {
        const output = await machine.succeed(command);
        assertEquals(output.trim().split("\n").toSorted(), lines, command);
      }
    }
    assertEquals(warnings(), []);
  });

  await t.step("neither blocks nor is hurt if it stays", async () => {
    assertEquals(
      await machine.execute("sleep 1000 & echo left; exit 3"),
      [3, "left\n"],
    );
    const output = await machine.succeed(
      "mkfifo /tmp/go; { while sleep 0.1; do echo on; done; } & " +
        "echo $! >/tmp/chatty",
    );
    assertMatch(output, /^(on\n)+$/);
    assertEquals(await machine.succeed("echo clean"), "clean\n");
    await machine.succeed("kill -0 $(cat /tmp/chatty)");
  });

  await t.step("causes one warning with its name", async () => {
    await machine.succeed("sleep 1000 & echo left");
    while (warnings().length < 2) await machine.succeed(":");
    assertMatch(
      warnings()[0],
      /^the command `sleep 1000 & echo left; exit 3` has ended and left sleep \(process \d+\) behind, which holds its output; later output of that process is not shown$/,
    );
    assertEquals(
      warnings().filter((text) => text.includes("left sleep")).length,
      1,
    );
  });

  await t.step("gives its port back when it ends", async () => {
    // More than there are ports, one after the other.
    for (let n = 0; n < 14; n++) {
      await machine.succeed("sleep 1000 & echo $! >/tmp/child");
      await machine.succeed("kill $(cat /tmp/child)");
    }
    for (let n = 0; n < 14; n++) {
      assertMatch(await machine.succeed(STDOUT), /^(\/dev\/vport|socket:)/);
    }
  });

  await t.step("leaves ports to others, however many there are", async () => {
    const warned = warnings().length;
    const outputs = await Promise.all(
      Array.from(
        { length: 16 },
        (_, n) => machine.succeed(`sleep 1000 & echo ${n}`),
      ),
    );
    assertEquals(outputs, outputs.map((_, n) => `${n}\n`));
    for (let n = 0; n < 6; n++) {
      assertEquals(
        await machine.execute(`sleep 1000 & echo ${n}; exit ${n}`),
        [n, `${n}\n`],
      );
      assertMatch(await machine.succeed(STDOUT), /^(pipe|socket):/);
    }
    assertEquals(warnings().length, warned);
  });

  await t.step("is awaited if a pipe leads to the port", async () => {
    assertEquals(
      await machine.succeed("{ sleep 0.3; echo late; } & echo early"),
      "early\nlate\n",
    );
    const output = await machine.succeed(
      "{ while sleep 0.1; do echo on; done; } & echo $! >/tmp/chatty",
    );
    assertMatch(output, /^(on\n)+$/);
    assertEquals(await machine.succeed("sleep 0.3; echo clean"), "clean\n");
    await machine.succeed("kill -0 $(cat /tmp/chatty)");
  });

  await t.step("leaves all output whole, byte for byte", async () => {
    const lines = (await machine.succeed("seq 20000")).split("\n");
    assertEquals([lines.length, lines[19_999]], [20_001, "20000"]);
    const bytes = "printf 'a\\0\\0b\\r\\n\\303\\274\\0'";
    for (const times of [1, 500]) {
      assertEquals(
        await machine.succeed(`for n in {1..${times}}; do ${bytes}; done`),
        "a\0\0b\r\nü\0".repeat(times),
      );
    }
  });

  await t.step("is not awaited after a timeout", async () => {
    assertEquals(
      await machine.execute("sleep 1000 & echo mine; wait", { timeout: 10 }),
      [124, "mine\n"],
    );
  });
});

Deno.test("stdout can be opened by its name", async (t) => {
  await using test = await booted();
  const { machine } = test;
  for (
    const name of [
      "/dev/stdout",
      "/dev/fd/1",
      "/proc/self/fd/1",
      "/proc/$$/fd/1",
    ]
  ) {
    await t.step(`which is ${name}`, async () => {
      assertEquals(
        await machine.execute(
          `echo one; echo two >${name}; echo three | tee ${name}; exit 4`,
        ),
        [4, "one\ntwo\nthree\nthree\n"],
      );
    });
  }

  await t.step("by several at once, each in its own command", async () => {
    const outputs = await Promise.all(
      Array.from(
        { length: 8 },
        (_, n) => machine.succeed(`sleep 0.1; echo ${n} >/dev/stdout`),
      ),
    );
    assertEquals(outputs, outputs.map((_, n) => `${n}\n`));
  });
});

Deno.test("a killed server of a command is reported with the signal", async () => {
  await using test = await booted();
  const error = await assertRejects(
    () => test.machine.succeed("kill -KILL $PPID; sleep 1000"),
    MachineError,
  );
  assertMatch(
    error.message,
    /^The shell that served the command in the guest \(process \d+, the command's parent\) was killed by signal 9: /,
  );
  assertStringIncludes(error.message, "its console said last");
});

Deno.test("a process that the kernel kills because memory ran out is reported", async (t) => {
  await using test = await booted();
  const { machine } = test;
  // This makes the kernel kill its first candidate.
  const kill = (process: string) =>
    `echo 1000 >/proc/${process}/oom_score_adj; echo f >/proc/sysrq-trigger`;

  await t.step("if it is a command", async () => {
    const error = await assertRejects(
      () => machine.succeed(`(${kill("$BASHPID")}; exec sleep 1000)`),
      TestFailure,
    );
    assertMatch(
      error.message,
      /failed \(exit code 137\); the guest's kernel killed \w+ \(process \d+\) meanwhile, because memory ran out/,
    );
  });

  await t.step("if it is the server of a command", async () => {
    const error = await assertRejects(
      () => machine.succeed(`${kill("$PPID")}; sleep 1000`),
      MachineError,
    );
    assertMatch(
      error.message,
      /, the command's parent\) was killed by signal 9: by the guest's kernel, because memory ran out/,
    );
  });
});
