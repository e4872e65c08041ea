import { assert, assertEquals } from "@std/assert";
import { ScreenRecorder } from "../../src/run/screen_recorder.ts";
import { parseScreenshotMode } from "../../src/run/screenshot_mode.ts";
import { booted } from "../machine/booted.ts";

async function hasProgram(name: string): Promise<boolean> {
  const args = ["-c", 'command -v "$0"', name];
  const { success } = await new Deno.Command("sh", { args }).output();
  return success;
}
const hasFfmpeg = await hasProgram("ffmpeg");

Deno.test("pictures that show something new are kept, with their steps, and become a video", async (t) => {
  await using run = await booted();
  const { driver, machine, outDir, events } = run;
  // The firmware's cursor blinks on a screen that the guest leaves alone.
  const show = (words: string) =>
    machine.succeed(
      `printf '${words.replace(/./g, "$&\\007")}' | ` +
        `dd of=/dev/mem bs=1 seek=${0xb8000 + 2 * 80 * 10} 2>/dev/null`,
    );
  await machine.connect();
  const told = () =>
    events.flatMap((event) =>
      event.type === "screenshot"
        ? [{ step: event.step, path: event.path.replace(`${outDir}/`, "") }]
        : []
    );
  const until = async (done: () => boolean) => {
    while (!done()) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  await t.step("after each step that changes the screen", async () => {
    const recorder = new ScreenRecorder({
      mode: "steps",
      video: true,
      outDir,
    });
    recorder.add(driver);
    using _listening = driver.log.addListener(recorder);
    await driver.log.nested("one", () => show("one"));
    await until(() => told().length > 0);
    await recorder.end(driver.log);
    const [first] = told();
    assertEquals(first.path, "screens/tiny-0001.png");
    assert(
      events.some((event) =>
        event.type === "stepEnded" && event.id === first.step &&
        /^one$|\/dev\/mem/.test(event.text)
      ),
    );
    const video = events.findLast((event) => event.type === "attachment");
    const warning = events.findLast((event) => event.type === "message");
    if (hasFfmpeg) {
      assertEquals(video?.path, `${outDir}/tiny.webm`);
      const bytes = await Deno.readFile(`${outDir}/tiny.webm`);
      // A document of EBML, of the type webm.
      assertEquals([...bytes.slice(0, 4)], [0x1a, 0x45, 0xdf, 0xa3]);
      assert(
        new TextDecoder("latin1").decode(bytes.slice(0, 64)).includes("webm"),
      );
    } else {
      console.error("not tested: there is no ffmpeg to make a video");
      assertEquals(warning?.text, "there is no video: ffmpeg is not on PATH");
    }
  });

  await t.step("at an interval, each picture once", async () => {
    const before = told().length;
    const recorder = new ScreenRecorder({
      mode: { interval: 0.05 },
      video: false,
      outDir: `${outDir}/second`,
    });
    recorder.add(driver);
    await until(() => told().length > before);
    // A cursor that blinks is nothing new.
    await machine.sleep(1);
    assertEquals(told().length, before + 1);
    await show("two");
    await until(() => told().length > before + 1);
    await recorder.end(driver.log);
    const paths = [...Deno.readDirSync(`${outDir}/second/screens`)]
      .map(({ name }) => name).sort();
    const own = told().slice(before);
    assertEquals(own.every(({ step }) => step === undefined), true);
    assertEquals(
      own.map(({ path }) => path),
      paths.map((name) => `second/screens/${name}`),
    );
    const pictures = await Promise.all(
      paths.map((name) => Deno.readFile(`${outDir}/second/screens/${name}`)),
    );
    for (const [at, one] of pictures.slice(1).entries()) {
      assert(
        one.length !== pictures[at].length ||
          one.some((byte, i) => byte !== pictures[at][i]),
      );
    }
  });
});

Deno.test("when pictures are taken is read as it is written", () => {
  assertEquals(parseScreenshotMode("failed"), "failed");
  assertEquals(parseScreenshotMode("interval:2s"), { interval: 2 });
  assertEquals(parseScreenshotMode("interval:0.5"), { interval: 0.5 });
  for (const text of ["", "interval", "interval:0s", "interval:-1", "always"]) {
    assertEquals(parseScreenshotMode(text), undefined, text);
  }
});
