import { assert, assertEquals } from "@std/assert";
import { toText } from "@std/streams";
import type { SuiteTest } from "../mod.ts";
import { bundled } from "./bundled.ts";
import { guest, type GuestName } from "./guests/mod.ts";

const root = new URL("../", import.meta.url).pathname;
/** What an example imports, directly or not, besides `deno.json`. */
const LIBRARY = ["mod.ts", "src", "wasm"];

/** The suite of the examples. */
export const SUITE = "vmwright.suite.json";

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
  await runCommands(
    commands,
    { [name]: text },
    [commands.join("\n")],
    guestName,
  );
}

/**
 * Runs examples as tests of their suite.
 *
 * @param names The tests' names.
 * @param guestName The guest of the tests that their machines are.
 */
export async function runExamplesAsSuite(
  names: readonly string[],
  guestName: GuestName,
): Promise<void> {
  const files: Record<string, string> = {};
  const { tests } = JSON.parse(
    await Deno.readTextFile(`${root}examples/${SUITE}`),
  );
  for (const file of [SUITE, ...names.map((name) => tests[name].script)]) {
    files[file] = await Deno.readTextFile(`${root}examples/${file}`);
  }
  const command = `vmwright test --workers 2 ${names.join(" ")}`;
  const all = Object.values<SuiteTest>(tests);
  await runCommands(
    [command],
    files,
    all.map(({ startScripts = [] }) => startScripts.join()),
    guestName,
  );
}

/** The machines that texts name, with the place of each in its text. */
function numbered(texts: readonly string[]): Map<string, number> {
  const machines = new Map<string, number>();
  for (const text of texts) {
    const names = [...text.matchAll(/run-(\w+)-vm/g)].map(([, name]) => name);
    [...new Set(names)].forEach((name, at) => machines.set(name, at + 1));
  }
  return machines;
}

/** Runs commands beside files and the start scripts that texts name. */
async function runCommands(
  commands: readonly string[],
  files: Readonly<Record<string, string>>,
  texts: readonly string[],
  guestName: GuestName,
): Promise<void> {
  const { startScriptFor } = await guest(guestName);
  const place = await Deno.makeTempDir({ prefix: "vmwright-example-" });
  try {
    const examples = `${place}/examples`, programs = `${place}/bin`;
    await Deno.mkdir(examples);
    await Deno.mkdir(programs);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${examples}/${name}`, text);
    }
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
      `#!/bin/sh\nexec deno run -A --no-check ${await bundled()}/cli.js "$@"\n`,
      { mode: 0o755 },
    );
    // As in a NixOS test, the first of a test has the address 192.168.1.1.
    for (const [machine, number] of numbered(texts)) {
      await Deno.symlink(
        startScriptFor(machine, { number }),
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
