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
  /** Whether the modes of files hold for root, too. */
  unprivileged?: boolean;
  stdin?: "null" | "piped";
  /** The program, as a path; by default that of these sources. */
  program?: string;
}

const root = new URL("../../", import.meta.url).pathname;

/** The program with these arguments, as it would be typed. */
export function vmwrightCommand(
  args: string[],
  options: VmwrightOptions = {},
): Deno.Command {
  const { unprivileged = false, program = `${root}cli.ts`, ...others } =
    options;
  const line = [
    ...unprivileged && Deno.uid() === 0
      ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
      : [],
    ...[Deno.execPath(), "run", "--no-check", "-A", program],
    ...args,
  ];
  return new Deno.Command(line[0], {
    args: line.slice(1),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...others,
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
    // A file with the name of a start script can be started.
    Deno.writeTextFileSync(file, text, {
      mode: /run-[^/]*-vm$/.test(name) ? 0o755 : 0o644,
    });
  }
  return {
    path,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}
