import { parseArgs } from "@std/cli/parse-args";
import { directoryOf } from "../paths.ts";
// Makes cli.js and mod.js, two files that import nothing, and mod.d.ts, the
// types of both, which take the most time:
// deno run -A src/cli/bundle.ts [--no-types] [DIRECTORY]

const root = new URL("../../", import.meta.url).pathname;
const { "no-types": untyped, _: [dist = `${root}dist`] } = parseArgs(
  Deno.args,
  { boolean: ["no-types"], string: ["_"] },
);

async function deno(cwd: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    stdout: "null",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).output();
  if (success) return;
  console.error(new TextDecoder().decode(stderr));
  console.error(`deno ${args.join(" ")} failed`);
  Deno.exit(1);
}

/** All files below a directory. */
function walk(directory: string): string[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name, isDirectory }) =>
    isDirectory ? walk(`${directory}/${name}`) : `${directory}/${name}`
  );
}

async function bundle(): Promise<void> {
  const options = ["--platform=deno", "--format=esm"];
  for (const name of ["cli", "mod"]) {
    const output = `--output=${dist}/${name}.js`;
    await deno(root, "bundle", ...options, output, `${name}.ts`);
  }
}

/**
 * The bundler can write declarations. But it fails at imports of text, and
 * keeps the paths of modules in types that it has moved into the one file.
 */
async function declare(): Promise<void> {
  const copy = await Deno.makeTempDir({ prefix: "vmwright-bundle-" });
  try {
    for (const file of ["mod.ts", "deno.json", ...walk(`${root}src`)]) {
      const path = file.replace(root, "");
      const target = `${copy}/${path}`;
      await Deno.mkdir(directoryOf(target), { recursive: true });
      await Deno.writeTextFile(
        target,
        (await Deno.readTextFile(`${root}${path}`)).replace(
          /^import (\w+) from "[^"]+" with \{\s*type: "text",?\s*\};/gm,
          `const $1 = "" as string;`,
        ),
      );
    }
    // This also adds types that no exported module has.
    const rooms = walk(`${copy}/src`).flatMap((path) =>
      path.match(/\/src\/(\w+)\/mod\.ts$/)?.[1] ?? []
    ).filter((room) => room !== "script");
    await Deno.writeTextFile(
      `${copy}/mod.ts`,
      rooms.map((room) => `export * from "./src/${room}/mod.ts";\n`).join(""),
      { append: true },
    );
    await Deno.symlink(`${root}wasm`, `${copy}/wasm`);
    for (let missing: string[] = [];;) {
      await Deno.writeTextFile(
        `${copy}/mod.ts`,
        await exportsOf(copy, missing),
        { append: true },
      );
      await deno(copy, "bundle", "--declaration", "--outdir=out", "mod.ts");
      const text = await Deno.readTextFile(`${copy}/out/mod.d.ts`);
      await Deno.writeTextFile(
        `${dist}/mod.d.ts`,
        text.replace(/\bimport\("\.[^"]*"\)\./g, "")
          .replace(/^import [^;]* from "\.[^"]*";\n/gm, ""),
      );
      const complaints = await complaintsOf(dist);
      if (complaints === "") return;
      const found = [...complaints.matchAll(/Cannot find name '(\w+)'/g)]
        .map(([, name]) => name);
      const isNews = found.some((name) => !missing.includes(name));
      if (!isNews) {
        console.error(complaints);
        Deno.exit(1);
      }
      missing = [...new Set(found)];
    }
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

/** Exports of types by their names, each from the first file that has it. */
async function exportsOf(copy: string, names: string[]): Promise<string> {
  const lines: string[] = [];
  const left = new Set(names);
  for (const path of walk(`${copy}/src`)) {
    if (left.size === 0) break;
    if (!path.endsWith(".ts")) continue;
    const text = await Deno.readTextFile(path);
    for (const name of left) {
      const declared = new RegExp(
        `^export (abstract )?(class|interface|type) ${name}\\b`,
        "m",
      );
      if (!declared.test(text)) continue;
      left.delete(name);
      lines.push(
        `export type { ${name} } from ".${path.slice(copy.length)}";\n`,
      );
    }
  }
  return lines.join("");
}

/** What is wrong with the declarations; nothing where they stand alone. */
async function complaintsOf(directory: string): Promise<string> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--no-config", "mod.d.ts"],
    cwd: directory,
    stdout: "null",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).output();
  return success ? "" : new TextDecoder().decode(stderr);
}

await Deno.mkdir(dist, { recursive: true });
await Promise.all([bundle(), untyped || declare()]);
for (const { name } of [...Deno.readDirSync(dist)]) {
  console.log(`${dist}/${name}`);
}
