/**
 * Runs a program of the build to its end.
 *
 * @throws with the program's own words when it fails
 */
export async function run(
  program: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { success, code, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...options,
    // mkfs and friends are not in every user's path.
    env: {
      PATH: `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`,
      LC_ALL: "C.UTF-8",
      ...options.env,
    },
  }).output();
  if (!success) {
    const words = new TextDecoder().decode(stderr).trim().split("\n").slice(-20)
      .join("\n");
    throw new Error(
      `expected ${program} ${args.join(" ")} to succeed, ` +
        `but it ended with status ${code}:\n${words}`,
    );
  }
  return stdout;
}
