import { MachineError } from "../report/mod.ts";

/** Runs tesseract on a picture; `mode` is its page segmentation mode. */
async function recognise(path: string, mode?: number): Promise<string> {
  let output;
  try {
    output = await new Deno.Command("tesseract", {
      args: [
        path,
        "-",
        ...mode === undefined ? [] : ["--psm", String(mode)],
        "--dpi",
        "96",
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new MachineError(
        "Reading text from the screen takes tesseract, which is not on PATH " +
          "(Debian: apt-get install tesseract-ocr; NixOS tests: enableOCR = true)",
      );
    }
    throw error;
  }
  if (!output.success) {
    throw new MachineError(
      `tesseract can't read the screenshot: ${
        new TextDecoder().decode(output.stderr).trim()
      }`,
    );
  }
  return new TextDecoder().decode(output.stdout);
}

/** The text in a picture. */
export function textOf(path: string): Promise<string> {
  return recognise(path);
}

/** What the text in a picture may be, the likeliest first. */
export function textVariantsOf(path: string): Promise<string[]> {
  // As blocks of text, as one column, and as text anywhere.
  return Promise.all([undefined, 4, 11].map((mode) => recognise(path, mode)));
}
