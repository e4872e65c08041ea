import { MachineError } from "../errors.ts";
import type { MachineCore } from "./core.ts";
import { refuseOwn } from "./files.ts";
import { baseName } from "./paths.ts";

/** tesseract's page segmentation modes: as blocks, as a column, anywhere. */
const MODES = ["3", "4", "11"];

/** See {@linkcode BaseMachine.screenshot}. */
export function screenshot(core: MachineCore, filename: string): Promise<void> {
  let path = filename.includes(".") ? filename : `${filename}.png`;
  if (!path.includes("/")) path = `${core.context.outDir}/${path}`;
  return core.nested(`making screenshot ${path}`, async () => {
    refuseOwn(core, path);
    await core.screendump(path);
    core.log.screenshot(core.name, path);
  }, { image: baseName(path) });
}

/** What the text on the screen may be, by the first `modes` ways to read it. */
export async function screenText(
  core: MachineCore,
  modes = MODES.length,
): Promise<string[]> {
  const path = `${core.stateDir}/screen-${crypto.randomUUID()}.png`;
  try {
    await core.screendump(path);
    return await Promise.all(
      MODES.slice(0, modes).map((mode) => recognise(path, mode)),
    );
  } finally {
    await Deno.remove(path).catch(() => {});
  }
}

/**
 * Reads the text in a picture of a screen.
 *
 * @param path A picture that tesseract can read.
 * @param options.variants Whether to read it in several ways. Default: in one.
 * @returns What each way has read.
 * @throws {MachineError} where tesseract is missing, or can't read the picture.
 */
export async function readScreen(
  path: string,
  options: { variants?: boolean } = {},
): Promise<string[]> {
  const modes = options.variants ? MODES : MODES.slice(0, 1);
  return await Promise.all(modes.map((mode) => recognise(path, mode)));
}

async function recognise(path: string, mode: string): Promise<string> {
  let output;
  try {
    output = await new Deno.Command("tesseract", {
      args: [path, "-", "--psm", mode, "--dpi", "96"],
      // Several readings at once share the processors well enough.
      env: { OMP_THREAD_LIMIT: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new MachineError(
      "Reading text from the screen takes tesseract, which is not on PATH " +
        "(Debian: apt-get install tesseract-ocr; NixOS tests: enableOCR = true)",
    );
  }
  if (output.success) return new TextDecoder().decode(output.stdout);
  throw new MachineError(
    `tesseract can't read the screenshot: ${
      new TextDecoder().decode(output.stderr).trim()
    }`,
  );
}
