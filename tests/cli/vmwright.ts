/** What a finished run of the program left. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run the program. */
export interface VmwrightOptions {
  cwd?: string;
  env?: Record<string, string>;
  stdin?: "null" | "piped";
}

const root = new URL("../../", import.meta.url).pathname;

/** The program with these arguments, as it would be typed. */
export function vmwrightCommand(
  args: string[],
  options: VmwrightOptions = {},
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "-A", `${root}cli.ts`, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...options,
    env: { NO_COLOR: "1", ...options.env },
  });
}

/** Runs the program until it ends. */
export async function vmwright(
  args: string[],
  options: VmwrightOptions = {},
): Promise<Finished> {
  const { code, stdout, stderr } = await vmwrightCommand(args, options)
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** A directory for one test, with these files in it, removed at its end. */
export function temporaryDirectory(
  files: Record<string, string> = {},
): Disposable & { path: string } {
  const path = Deno.makeTempDirSync({ prefix: "vmwright-test-" });
  for (const [name, text] of Object.entries(files)) {
    const file = `${path}/${name}`;
    Deno.mkdirSync(file.replace(/\/[^/]*$/, ""), { recursive: true });
    // What is named like a start script can be started.
    Deno.writeTextFileSync(file, text, {
      mode: /run-[^/]*-vm$/.test(name) ? 0o755 : 0o644,
    });
  }
  return {
    path,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}
