import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { MachineError, TestFailure, UsageError } from "../../../mod.ts";
import { glimpseScreen } from "../../../src/machine/hands/screen.ts";
import { coreOf } from "../../../src/machine/mod.ts";
import { standStill } from "../../time/stand_still.ts";
import { booted } from "../booted.ts";
import { pngSize } from "./png.ts";

Deno.test("keyboard, terminals and screen of a guest", async (t) => {
  await using test = await booted();
  const { machine, outDir, events } = test;
  await machine.connect();

  await t.step(
    "getTtyText() reads what a virtual terminal shows, row by row",
    async () => {
      await machine.succeed("printf '\\033c one\\n two' >/dev/tty2");
      await machine.waitUntilTtyMatches(2, /^ one *\n two/, { timeout: 60 });
      const rows = (await machine.getTtyText("2")).split("\n");
      assertEquals(rows.slice(0, 3).map((row) => row.trimEnd()), [
        " one",
        " two",
        "",
      ]);
      assertEquals(new Set(rows.map((row) => row.length)).size, 1);
    },
  );

  await t.step(
    "waitUntilTtyMatches() looks once more if the driver stood still until its time was over",
    async () => {
      const waiting = machine.waitUntilTtyMatches(2, "late", { timeout: 3 });
      await machine.succeed("echo late >/dev/tty2");
      standStill(4);
      await waiting;
    },
  );

  await t.step(
    "waitUntilTtyMatches() says what was there instead",
    async () => {
      const error = await assertRejects(
        () => machine.waitUntilTtyMatches(2, "three", { timeout: 3 }),
        TestFailure,
      );
      assertMatch(
        error.message,
        /^\/three\/ did not appear on tty 2 in 3 seconds; last seen:\n one *\n two/,
      );
    },
  );

  await t.step("a wrong virtual terminal is refused", async () => {
    await assertRejects(
      () => machine.getTtyText("1; reboot"),
      UsageError,
      `Expected a virtual terminal's number, got "1; reboot"`,
    );
  });

  await t.step("keys that are sent arrive at the terminal", async () => {
    // What the kernel tells there could cut the text in two.
    await machine.succeed("echo 1 >/proc/sys/kernel/printk");
    await machine.execute("cat </dev/tty1 >/tmp/typed", { checkOutput: false });
    await machine.waitForFile("/tmp/typed", { timeout: 60 });
    const text = "Hello, World! aZ09 ~`@#$%^&*()_+-={}[]|\\:\";'<>?,./";
    await machine.sendChars(`${text}\n`);
    await machine.waitUntilSucceeds("[ -s /tmp/typed ]", { timeout: 60 });
    assertEquals(await machine.succeed("cat /tmp/typed"), `${text}\n`);
    await machine.waitUntilTtyMatches(1, /Hello, World! aZ09/, { timeout: 60 });
  });

  await t.step("keys by name and with modifiers do what they do", async () => {
    await machine.sendKey("x");
    await machine.sendKey("backspace");
    await machine.sendKey("shift-a", { delay: 0.02 });
    await machine.sendKey("0x30", { log: false });
    await machine.sendKey("ret");
    await machine.waitUntilSucceeds("grep -qx Ab /tmp/typed", { timeout: 60 });
  });

  await t.step("an unknown key is refused by name", async () => {
    await assertRejects(() => machine.sendKey(""), UsageError, 'got ""');
    await assertRejects(
      async () => await machine.sendChars("aü"),
      UsageError,
      'got "ü"',
    );
    await assertRejects(
      () => machine.sendKey("enter"),
      UsageError,
      'QEMU knows no key "enter"; did you mean "ret"?',
    );
  });

  await t.step(
    "screenshot() writes a PNG into the output directory",
    async () => {
      events.length = 0;
      await machine.screenshot("shot");
      const { width, height } = pngSize(
        await Deno.readFile(`${outDir}/shot.png`),
      );
      assert(width >= 640 && height >= 400, `${width}x${height}`);
      const shot = events.find((event) => event.type === "screenshot")!;
      assertEquals(shot.path, `${outDir}/shot.png`);
      assertEquals(shot.machine, "tiny");
    },
  );

  await t.step("screenshot() takes a path", async () => {
    await machine.screenshot(`${outDir}/sub.dir.png`);
    pngSize(await Deno.readFile(`${outDir}/sub.dir.png`));
    const error = await assertRejects(
      () => machine.screenshot(`${outDir}/nowhere/a.png`),
      Error,
    );
    assertStringIncludes(error.message, "screendump");
  });

  await t.step("no picture goes through a link of a copied tree", async () => {
    const victim = await Deno.makeTempDir();
    await machine.succeed(
      `mkdir /tmp/screens; ln -s ${victim}/new /tmp/screens/one.png; ` +
        `ln -s ${victim} /tmp/screens/sub`,
    );
    await machine.copyFromMachine("/tmp/screens");
    await machine.screenshot(`${outDir}/screens/one.png`);
    assert(Deno.lstatSync(`${outDir}/screens/one.png`).isFile);
    await assertRejects(
      () => machine.screenshot(`${outDir}/screens/sub/one.png`),
      UsageError,
      `got ${outDir}/screens/sub, which is a link`,
    );
    const core = coreOf(machine);
    Deno.symlinkSync(`${victim}/new`, `${outDir}/screens/two.png`);
    assert(await glimpseScreen(core, `${outDir}/screens/two.png`, 60));
    assert(Deno.lstatSync(`${outDir}/screens/two.png`).isFile);
    assertEquals([...Deno.readDirSync(victim)], []);
    await Deno.remove(victim);
  });

  await t.step("the text on the screen is read by tesseract", async () => {
    // The guest's kernel leaves the screen as the firmware had it.
    await machine.waitForText(/seabios/i, { timeout: 300 });
    assertMatch(await machine.getScreenText(), /booting/i);
    assert((await machine.getScreenTextVariants()).length > 1);
  });

  await t.step("waitForText() says what was read instead", async () => {
    const error = await assertRejects(
      () => machine.waitForText("no such text", { timeout: 0.1 }),
      TestFailure,
      "/no such text/ did not appear on the screen in 0.1 seconds; last seen:",
    );
    assertMatch(error.message, /seabios/i);
  });

  /** Runs `fn` where tesseract does something first; answers its calls. */
  const besideTesseract = async (first: string, fn: () => Promise<void>) => {
    const path = Deno.env.get("PATH")!;
    const calls = `${outDir}/calls`;
    await Deno.mkdir(`${outDir}/bin`);
    const script = `#!/bin/sh\necho "$*" >> ${calls}\n${first}\n` +
      `PATH=${path} exec tesseract "$@"\n`;
    await Deno.writeTextFile(`${outDir}/bin/tesseract`, script);
    await Deno.chmod(`${outDir}/bin/tesseract`, 0o755);
    Deno.env.set("PATH", `${outDir}/bin:${path}`);
    try {
      await fn();
      return (await Deno.readTextFile(calls)).trim().split("\n");
    } finally {
      Deno.env.set("PATH", path);
      await Deno.remove(`${outDir}/bin`, { recursive: true });
      await Deno.remove(calls).catch(() => {});
    }
  };

  await t.step(
    "a screen that stays as it is is read once in each way",
    async () => {
      const calls = await besideTesseract(":", async () => {
        await assertRejects(
          () => machine.waitForText("no such text", { timeout: 15 }),
          TestFailure,
        );
      });
      // There are two of it: the cursor blinks.
      assert(calls.length <= 6, calls.join("\n"));
    },
  );

  await t.step("the first reading that matches ends the wait", async () => {
    const slow = 'case "$*" in *"--dpi 216") ;; *) exec sleep 600 ;; esac';
    const began = performance.now();
    await besideTesseract(
      slow,
      () => machine.waitForText(/seabios/i, { timeout: 300 }),
    );
    assert(performance.now() - began < 300_000);
  });

  await t.step("without tesseract the error says what to install", async () => {
    const path = Deno.env.get("PATH")!;
    Deno.env.set("PATH", "/nowhere");
    try {
      await assertRejects(
        () => machine.getScreenText(),
        MachineError,
        "needs tesseract, which is not on PATH (Debian: apt-get install tesseract-ocr",
      );
    } finally {
      Deno.env.set("PATH", path);
    }
    const left = [...Deno.readDirSync(machine.stateDir)]
      .filter(({ name }) => name.startsWith("screen-"));
    assertEquals(left, []);
  });
});
