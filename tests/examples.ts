import { assert, assertEquals } from "@std/assert";
import { toText } from "@std/streams";
import { guest, type GuestName } from "./guests/mod.ts";

const root = new URL("../", import.meta.url).pathname;
/** What an example imports, directly or not, besides `deno.json`. */
const LIBRARY = ["mod.ts", "src", "wasm"];

/** The commands that an example's header tells its reader to run. */
export function headerCommands(text: string): string[] {
  const header = /^(?:(?:\/\/|#).*\n)+/.exec(text)?.[0] ?? "";
  return [...header.matchAll(/^(?:\/\/|#) {3}(\S.*)$/gm)].map(([, line]) =>
    line
  );
}

/**
 * Runs an example as its header says, in a directory that holds the start
 * scripts which the header names.
 *
 * @param name The example's file in `examples/`.
 * @param guestName The guest of the tests that its machines are.
 */
export async function runExample(
  name: string,
  guestName: GuestName,
): Promise<void> {
  const text = await Deno.readTextFile(`${root}examples/${name}`);
  const commands = headerCommands(text);
  assert(commands.length > 0, `${name} says no command`);
  const { startScriptFor } = await guest(guestName);
  const place = await Deno.makeTempDir({ prefix: "vmwright-example-" });
  try {
    const examples = `${place}/examples`, programs = `${place}/bin`;
    await Deno.mkdir(examples);
    await Deno.mkdir(programs);
    await Deno.writeTextFile(`${examples}/${name}`, text);
    for (const part of LIBRARY) {
      await Deno.symlink(`${root}${part}`, `${place}/${part}`);
    }
    // The library reads its version there; the rest is the project's own, and
    // would bring types in once more where an example's are checked.
    const { version } = JSON.parse(await Deno.readTextFile(`${root}deno.json`));
    await Deno.writeTextFile(
      `${place}/deno.json`,
      JSON.stringify({ version }),
    );
    await Deno.symlink(Deno.execPath(), `${programs}/deno`);
    await Deno.writeTextFile(
      `${programs}/vmwright`,
      `#!/bin/sh\nexec deno run -A --no-check ${root}cli.ts "$@"\n`,
      { mode: 0o755 },
    );
    const machines = new Set(
      [...commands.join("\n").matchAll(/run-(\w+)-vm/g)].map(([, name]) =>
        name
      ),
    );
    let number = 0;
    for (const machine of machines) {
      // As in a NixOS test, the first has the address 192.168.1.1.
      await Deno.symlink(
        startScriptFor(machine, { number: ++number }),
        `${examples}/run-${machine}-vm`,
      );
    }
    const child = new Deno.Command("sh", {
      args: ["-euc", commands.join("\n")],
      cwd: examples,
      env: { PATH: `${programs}:${Deno.env.get("PATH")}`, NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const [stdout, stderr, { code }] = await Promise.all([
      toText(child.stdout),
      toText(child.stderr),
      child.status,
    ]);
    assertEquals(code, 0, `${stdout}\n${stderr}`);
  } finally {
    await Deno.remove(place, { recursive: true });
  }
}
