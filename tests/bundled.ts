import { madeOnce } from "./guests/cache.ts";

const program = new URL("../src/cli/bundle.ts", import.meta.url).pathname;

/** Names the directory that the files of a run of tests share. */
export const SHARED = "VMWRIGHT_TEST_SHARED";

/**
 * The directory of a bundle of these sources. With its declarations, a check of
 * types takes a fifth of what it takes with the sources. All files of a run
 * share it: the first that wants it makes it.
 */
export async function bundled(): Promise<string> {
  const bundle = `${Deno.env.get(SHARED) ?? ownDirectory()}/bundle`;
  await madeOnce(bundle, async (unfinished) => {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program, unfinished],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  });
  return bundle;
}

/** A directory for a file that runs alone, until its process ends. */
function ownDirectory(): string {
  const path = Deno.makeTempDirSync({ prefix: "vmwright-test-" });
  Deno.env.set(SHARED, path);
  addEventListener("unload", () => Deno.removeSync(path, { recursive: true }));
  return path;
}
