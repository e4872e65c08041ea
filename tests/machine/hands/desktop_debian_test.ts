import {
  assert,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { TestFailure } from "../../../mod.ts";
import { booted } from "../booted.ts";
import { pngSize } from "./png.ts";

Deno.test("the desktop of a guest", async (t) => {
  await using test = await booted({ guest: "debian" });
  const { machine, outDir } = test;

  await t.step("waitForX() waits until the desktop is there", async () => {
    await machine.waitForX({ timeout: 600 });
    await machine.succeed("xwininfo -root");
  });

  await t.step("waitForWindow() waits for a window by its name", async () => {
    await machine.waitForWindow("vmwright window", { timeout: 300 });
    await machine.waitForWindow(/^vmwright/, { timeout: 300 });
    assert((await machine.getWindowNames()).includes("vmwright window"));
  });

  await t.step("waitForWindow() sees a window appear", async () => {
    const waiting = machine.waitForWindow("another one", { timeout: 300 });
    await machine.execute(
      "exec xmessage -title 'another one' -geometry +500+400 ok",
      { checkOutput: false },
    );
    await waiting;
  });

  await t.step("waitForWindow() says which windows there were", async () => {
    const error = await assertRejects(
      () => machine.waitForWindow("no such window", { timeout: 5 }),
      TestFailure,
    );
    assertMatch(
      error.message,
      /^no window has a name that matches \/no such window\/ in 5 seconds; last seen:\n/,
    );
    assertStringIncludes(error.message, "vmwright window");
  });

  await t.step("screenshot() is what the screen shows", async () => {
    await machine.screenshot("desktop");
    const { width, height } = pngSize(
      await Deno.readFile(`${outDir}/desktop.png`),
    );
    assert(width >= 640 && height >= 480, `${width}x${height}`);
  });

  await t.step("the text in a window is read", async () => {
    await machine.waitForText(/Hello from the guest/, { timeout: 600 });
    const variants = await machine.getScreenTextVariants();
    assert(variants.some((text) => text.includes("Hello from the guest")));
  });

  await t.step("waitForText() says what was read instead", async () => {
    const error = await assertRejects(
      () => machine.waitForText("Goodbye", { timeout: 1 }),
      TestFailure,
      "/Goodbye/ did not appear on the screen in 1 seconds; last seen:",
    );
    assertStringIncludes(error.message, "Hello");
  });

  await t.step("keys reach the window that the pointer is in", async () => {
    await machine.execute(
      "exec xev -geometry 4000x4000+0+0 -event keyboard >/tmp/keys",
      { checkOutput: false },
    );
    await machine.waitForWindow("Event Tester", { timeout: 300 });
    await machine.waitUntilSucceeds(
      "xwininfo -name 'Event Tester' | grep IsViewable",
      { timeout: 300 },
    );
    await machine.sendChars("aB");
    await machine.waitUntilSucceeds(
      "grep 'keysym.* a)' /tmp/keys && grep 'keysym.* B)' /tmp/keys",
      { timeout: 300 },
    );
  });
});
