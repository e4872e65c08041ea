/**
 * Has Deno fetch the program that `deno bundle` runs, where it is not there
 * yet. Two that fetch it at the same time take it from each other: one of them
 * then fails with "failed to copy esbuild binary".
 *
 * @returns What Deno said, where it could not.
 */
export async function fetchBundler(): Promise<string | undefined> {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/empty.ts`, "export {};\n");
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--quiet", "--no-config", "-o", "empty.js", "empty.ts"],
      cwd: directory,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    return success ? undefined : new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
