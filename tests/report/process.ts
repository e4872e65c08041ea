const mod = new URL("../../src/report/mod.ts", import.meta.url).href;

/**
 * Runs code that uses `src/report` in a process of its own, which is killed as
 * soon as the code has run.
 */
export async function killed(code: string): Promise<void> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`
    import * as report from ${JSON.stringify(mod)};
    const { Log, XmlListener, JunitListener, HtmlListener } = report;
    ${code}
    // A turn of the event loop later nothing may be left in memory.
    setTimeout(() => console.log("done"));
    setInterval(() => {}, 60_000);
  `));
  await writer.close();
  for await (const _ of process.stdout) break;
  process.kill("SIGKILL");
  await process.status;
}

/** Runs a function with a folder of its own. */
export async function withFolder(
  act: (folder: string) => unknown,
): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await act(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
