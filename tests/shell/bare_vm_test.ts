/**
 * A guest that has bash and /proc, and little more: no /dev/fd, no session, no
 * base64, once no ports that anybody could see, and once a backdoor that is no
 * bash.
 */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Driver, Log, TestFailure } from "../../mod.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";
import { guest } from "../guests/mod.ts";
import { warningOf } from "../machine/warning_of.ts";

const ways: Record<string, string[]> = {
  "ports": [],
  "the console": ["vmwright.ports=none"],
  "ports, with busybox's shell as the backdoor": ["vmwright.backdoor=sh"],
};

/** Lets the whole driver stand still for some milliseconds. */
function stand(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

for (const [way, kernelParameters] of Object.entries(ways)) {
  Deno.test(`a guest with little more than bash, over ${way}`, async (t) => {
    const bare = await guest("tiny-bare");
    const warnings: string[] = [];
    using directory = temporaryDirectory();
    await using driver = await Driver.create({
      machines: [bare.startScriptFor("bare", { kernelParameters })],
      outDir: directory.path,
      log: new Log([{
        on: (event) => {
          const warning = warningOf(event);
          if (warning !== undefined) warnings.push(warning);
        },
      }]),
    });
    const [machine] = driver.machines;

    await t.step("has neither a /dev/fd nor a session", async () => {
      const [status] = await machine.execute("[ -e /dev/fd ]");
      assertEquals(status, 1);
      // Of the backdoor, the parent of what serves commands.
      const [, group, session] = (await machine.succeed(
        "read -r _ _ _ backdoor _ </proc/$PPID/stat; " +
          "read -r stat </proc/$backdoor/stat; stat=${stat##*) }; echo $stat",
      )).split(" ").slice(1, 4);
      assertEquals([group, session], ["0", "0"]);
      const stdout = await machine.succeed('readlink "/proc/$$/fd"/1');
      assertEquals(
        stdout.startsWith("/dev/vport"),
        way !== "the console",
        stdout,
      );
    });

    await t.step("answers status and output, byte for byte", async () => {
      assertEquals(await machine.execute("echo out; exit 3"), [3, "out\n"]);
      assertEquals(
        await machine.succeed(
          "printf 'a\\0b\\r\\n\\377ü '; seq 3000 | tail -n 1",
        ),
        "a\0b\r\n\ufffdü 3000\n",
      );
      const numbers = await machine.succeed("seq 3000");
      assertEquals(numbers.split("\n").length, 3001);
      assertEquals(numbers.endsWith("\n2999\n3000\n"), true);
    });

    await t.step("answers all of it, however late it is read", async () => {
      const running = machine.succeed("seq 50000");
      // Nothing of what the guest writes is read meanwhile.
      for (let n = 0; n < 3; n++) {
        await machine.sleep(0.1);
        stand(1000);
      }
      const numbers = await running;
      assertEquals(numbers.length, 288_894);
      assertEquals(numbers.endsWith("\n49999\n50000\n"), true);
    });

    await t.step("runs several at once", async () => {
      assertEquals(
        await Promise.all(
          Array.from(
            { length: 8 },
            (_, n) => machine.succeed(`sleep 0.${n}; echo ${n}`),
          ),
        ),
        Array.from({ length: 8 }, (_, n) => `${n}\n`),
      );
    });

    for (const options of ["ro", "size=4k"]) {
      await t.step(`needs no place in /tmp, as with ${options}`, async () => {
        await machine.succeed(`mount -t tmpfs -o ${options} none /tmp`);
        await machine.execute("echo >/tmp/full");
        try {
          assertEquals(await machine.succeed("echo out"), "out\n");
        } finally {
          await machine.succeed("umount /tmp");
        }
      });
    }

    await t.step("may get another /run from a command", async () => {
      assertEquals(
        await machine.succeed("mount -t tmpfs none /run; echo over"),
        "over\n",
      );
      await machine.succeed("umount -l /run");
    });

    await t.step("ends a command at its timeout, with its group", async () => {
      assertEquals(
        await machine.execute("echo begun; sleep 1000", { timeout: 10 }),
        [124, "begun\n"],
      );
      await machine.waitUntilFails("pidof sleep", { timeout: 60 });
    });

    await t.step("kills a command that ignores SIGTERM", async () => {
      const deaf =
        "trap '' TERM; echo $$; while :; do read -t 9 -u 1 || :; done";
      const [status, output] = await machine.execute(deaf, { timeout: 0.5 });
      assertEquals(status, 124);
      await machine.succeed(`[ ! -e /proc/${Number(output)} ]`);
    });

    await t.step(
      "answers what a child writes late, and warns of one that stays",
      async () => {
        assertEquals(
          await machine.succeed("(sleep 0.2; echo late) & echo early"),
          "early\nlate\n",
        );
        assertEquals(warnings, []);
        assertEquals(
          await machine.succeed("sleep 1000 & echo left"),
          "left\n",
        );
        assertEquals(await machine.succeed("echo next"), "next\n");
        while (warnings.length === 0) await machine.succeed(":");
        assertEquals(warnings.length, 1, warnings.join("\n"));
        assertStringIncludes(warnings[0], "left sleep (process ");
        await machine.succeed("kill $(pidof sleep)");
      },
    );

    await t.step("quotes stderr", async () => {
      const error = await assertRejects(
        () => machine.succeed("echo bad >&2; exit 4"),
        TestFailure,
      );
      assertStringIncludes(error.message, "; its stderr ended with:\nbad");
    });

    await t.step("keeps every wait", async () => {
      await machine.succeed(
        "(sleep 0.5; touch /tmp/there; nc -ll -p 7777 -e true) " +
          "</dev/null >/dev/null 2>&1 &",
      );
      await Promise.all([
        machine.waitForFile("/tmp/there", { timeout: 60 }),
        machine.waitForOpenPort(7777, { timeout: 60 }),
        machine.waitUntilSucceeds("[ -e /tmp/there ]", { timeout: 60 }),
        machine.waitUntilFails("[ ! -e /tmp/there ]", { timeout: 60 }),
      ]);
      await machine.succeed("kill $(pidof nc)");
      await machine.waitForClosedPort(7777, { timeout: 60 });
      await machine.sleep(0.1);
      await assertRejects(
        () => machine.waitForFile("/tmp/nonesuch", { timeout: 0.5 }),
        TestFailure,
        "/tmp/nonesuch",
      );
    });
  });
}
