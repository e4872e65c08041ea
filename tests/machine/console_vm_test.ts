import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { TestFailure, UsageError } from "../../mod.ts";
import { booted } from "./booted.ts";

Deno.test("the console of a guest", async (t) => {
  await using test = await booted();
  const { machine, events } = test;
  await machine.start();

  await t.step("text from before the call counts", async () => {
    await machine.connect();
    await machine.waitForConsoleText("Linux version", { timeout: 120 });
    await machine.waitForConsoleText(/Run \/init as init process/, {
      timeout: 120,
    });
    // No more lines of the kernel come between what the next steps print.
    await machine.succeed("echo 1 >/proc/sys/kernel/printk");
  });

  await t.step(
    "text from before the last successful wait does not",
    async () => {
      const error = await assertRejects(
        () => machine.waitForConsoleText("Linux version", { timeout: 0.3 }),
        TestFailure,
      );
      assertStringIncludes(
        error.message,
        "did not say /Linux version/m within 0.3 seconds; its last lines:\n",
      );
    },
  );

  await t.step("a wait finds text that comes meanwhile", async () => {
    const waiting = machine.waitForConsoleText(/number \d+ and (more|less)/, {
      timeout: 60,
    });
    await machine.succeed("echo 'number 17 and more' >&2");
    await waiting;
  });

  await t.step("a wait finds text over the ends of lines", async () => {
    const waiting = machine.waitForConsoleText("first line\nsecond line", {
      timeout: 60,
    });
    await machine.succeed("printf 'first line\\nsecond line\\n' >&2");
    await waiting;
  });

  await t.step("a wait without a timeout has none", async () => {
    const waiting = machine.waitForConsoleText("some day");
    await machine.succeed("echo some day >&2");
    await waiting;
  });

  await t.step("two waits at once find what each waits for", async () => {
    const waits = Promise.all([
      machine.waitForConsoleText("the later one", { timeout: 60 }),
      machine.waitForConsoleText("the sooner one", { timeout: 60 }),
    ]);
    await machine.succeed("echo the sooner one, the later one >&2");
    await waits;
  });

  await t.step("a wrong pattern or timeout is refused", async () => {
    await assertRejects(() => machine.waitForConsoleText("("), UsageError);
    await assertRejects(
      () => machine.waitForConsoleText("a", { timeout: -1 }),
      UsageError,
      "-1",
    );
  });

  await t.step("getConsoleLog() answers the boot's whole text", () => {
    const text = machine.getConsoleLog();
    assertMatch(text, /Linux version/);
    assertMatch(text, /^number 17 and more$/m);
    assertEquals(text.includes("\r"), false);
  });

  await t.step("the log's file has every byte", async () => {
    await machine.succeed("printf '\\1\\377\\r\\n' >&2; echo marked >&2");
    await machine.waitForConsoleText("marked", { timeout: 60 });
    const bytes = await Deno.readFile(`${test.outDir}/tiny.log`);
    const text = new TextDecoder("latin1").decode(bytes);
    assertStringIncludes(text, "Linux version");
    assertStringIncludes(text, "\x01\xff\r");
  });

  await t.step("each line is an event of the log", () => {
    assert(
      events.some((event) =>
        event.type === "consoleLine" && event.machine === "tiny" &&
        event.text === "number 17 and more"
      ),
    );
  });

  await t.step("sendConsole() types on the serial console", async () => {
    await machine.execute(
      'read -r line </dev/ttyS0; echo "it read $line" >&2',
      { checkOutput: false },
    );
    await machine.sendConsole("what was typed\n");
    await machine.waitForConsoleText("it read what was typed", { timeout: 60 });
  });

  await t.step("text after much else is found", async () => {
    await machine.succeed("stty -F /dev/ttyS0 raw -echo");
    const waiting = machine.waitForConsoleText("the very end", {
      timeout: 300,
    });
    // No more than that, as the emulated port takes a while for each byte.
    await machine.succeed(
      "head -c 200000 /dev/zero | tr '\\0' x | fold -w 80 >&2",
      "echo the very end >&2",
    );
    await waiting;
  });

  await t.step("a prompt without a line's end matches with $", async () => {
    await machine.succeed("printf '\\nlogin: ' >/dev/ttyS0");
    await machine.waitForConsoleText(/^login: $/m, { timeout: 60 });
    await machine.succeed("printf '\\n[root@tiny:~]# ' >/dev/ttyS0");
    await machine.waitForConsoleText(/\]# $/, { timeout: 60 });
  });
});

Deno.test("a wait for the console of a machine that was never started says so", async () => {
  await using test = await booted();
  const { machine, events } = test;
  await assertRejects(
    () => machine.waitForConsoleText("Linux version", { timeout: 3 }),
    TestFailure,
    "it said nothing",
  );
  const warnings = events.filter((event) =>
    event.type === "message" && event.level === "warning"
  ).map((event) => event.type === "message" ? event.text : "");
  assertEquals(warnings, [
    "is not running, so its console prints nothing: this wait does not start it, start() does",
  ]);
});
