/**
 * Screens of 10-pixel text, and how many of their lines are read: by ours, and by
 * a model of what NixOS's own driver does, where ImageMagick is there for that.
 *
 * `deno run -A tests/machine/screens/measure.ts` prints a table.
 */
import { readScreen } from "../../../src/machine/mod.ts";
import list from "./screens.json" with { type: "json" };

const here = new URL(".", import.meta.url).pathname;

/** A screen: where its picture is, what it looks like, and its lines of text. */
export const screens = list.map(({ file, what, lines }) => ({
  path: here + file,
  what,
  lines,
}));

/** How many lines are in some reading, whatever white space is between words. */
export function linesRead(lines: string[], readings: string[]): number {
  const plain = readings.map((text) => text.split(/\s+/).join(" "));
  return lines.filter((line) => plain.some((text) => text.includes(line)))
    .length;
}

async function output(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** The model: as it is, and made larger and clearer, once as its negative. */
async function readByModel(path: string): Promise<string[]> {
  const directory = await Deno.makeTempDir();
  try {
    const pictures = [path];
    for (const negate of [[], ["-negate"]]) {
      const picture = `${directory}/${negate.length}.png`;
      await output("convert", [
        ...["-filter", "Catrom", "-density", "72", "-resample", "300"],
        ...["-contrast", "-normalize", "-despeckle", "-type", "grayscale"],
        ...["-sharpen", "1", "-posterize", "3", ...negate],
        ...["-gamma", "100", "-blur", "1x65535", path, picture],
      ]);
      pictures.push(picture);
    }
    return await Promise.all(
      pictures.map((picture) =>
        output("tesseract", [picture, "-", "--psm", "11"])
      ),
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function measure(
  name: string,
  read: (path: string) => Promise<string[]>,
): Promise<void> {
  let lines = 0, total = 0;
  const began = performance.now();
  for (const screen of screens) {
    lines += linesRead(screen.lines, await read(screen.path));
    total += screen.lines.length;
  }
  const seconds = (performance.now() - began) / 1000 / screens.length;
  console.log(
    `| ${name} | ${lines} of ${total} | ${seconds.toFixed(2)} s a screen |`,
  );
}

if (import.meta.main) {
  console.log("| readings | lines | time |\n| --- | --- | --- |");
  await measure("the first", (path) => readScreen(path));
  await measure("all", (path) => readScreen(path, { variants: true }));
  try {
    await measure("the model's", readByModel);
  } catch (error) {
    console.log(`The model is left out: ${error}`);
  }
}
