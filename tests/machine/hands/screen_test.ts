import { assert, assertEquals, assertRejects } from "@std/assert";
import { MachineError } from "../../../mod.ts";
import { readScreen } from "../../../src/machine/mod.ts";
import { decodePng, decodePpm } from "../../../src/machine/hands/picture.ts";
import { linesRead, screens } from "../screens/measure.ts";

Deno.test("screens of small text are read, light and dark and coloured", async () => {
  let all = 0, first = 0;
  for (const { path, lines } of screens) {
    const readings = await readScreen(path, { variants: true });
    all += linesRead(lines, readings);
    first += linesRead(lines, readings.slice(0, 1));
  }
  // Of 60. Seen: 57 by the first reading alone.
  assert(first >= 54, `${first} lines by the first reading`);
  assert(all >= 57, `${all} lines in all`);
});

Deno.test("one reading is the one of those that has the most letters", async () => {
  const [{ path }] = screens;
  const [reading, ...others] = await readScreen(path);
  assertEquals(others, []);
  assertEquals(reading, (await readScreen(path, { variants: true }))[0]);
});

Deno.test("a picture in PPM is read as the same in PNG", async () => {
  const [{ path, lines }] = screens;
  const { width, height, rgb } = await decodePng(await Deno.readFile(path));
  const copy = await Deno.makeTempFile({ suffix: ".ppm" });
  try {
    const head = new TextEncoder().encode(`P6\n${width} ${height}\n255\n`);
    await Deno.writeFile(copy, new Uint8Array([...head, ...rgb]));
    assertEquals(decodePpm(await Deno.readFile(copy)).rgb, rgb);
    assertEquals(linesRead(lines, await readScreen(copy)), lines.length);
    await Deno.writeTextFile(copy, "no picture");
    await assertRejects(
      () => readScreen(copy),
      MachineError,
      "tesseract can't",
    );
  } finally {
    await Deno.remove(copy);
  }
});
