import { directoryOf } from "../../../src/paths.ts";

/** Programs that check Python, and the versions that tests have of them. */
const VERSIONS = ["ty==0.0.108", "ruff==0.17.6", "mypy==2.4.1"];

const cache = `${
  Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`
}/vmwright/python-checkers`;

/**
 * Where the programs are that check Python, installed there by the first test
 * that wants them; or nothing, with the reason printed, where that can't be done.
 */
export async function checkers(): Promise<string | undefined> {
  const done = `${cache}/${VERSIONS.join("+")}`;
  Deno.mkdirSync(directoryOf(cache), { recursive: true });
  using lock = await Deno.open(`${cache}.lock`, { create: true, write: true });
  await lock.lock(true);
  try {
    Deno.statSync(done);
    return `${cache}/bin`;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const { success, stderr } = await new Deno.Command("/bin/sh", {
    args: [
      "-ec",
      'python3 -m venv "$0"\n"$0/bin/pip" -q install "$@"',
      cache,
      ...VERSIONS,
    ],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) {
    Deno.writeTextFileSync(done, "");
    return `${cache}/bin`;
  }
  const reason = new TextDecoder().decode(stderr).trim().split("\n").at(-1);
  console.log(
    `left out, since ty, ruff and mypy can't be installed: ${reason}`,
  );
}
