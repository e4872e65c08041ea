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

/** What Deno said, which failed. */
class DenoFailed extends Error {}

/**
 * Runs Deno in a directory.
 *
 * @throws {DenoFailed} if it fails.
 */
async function deno(cwd: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  const said = new TextDecoder().decode(stderr);
  throw new DenoFailed(`${said}\ndeno ${args.join(" ")} failed`);
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
    await Deno.writeTextFile(
      `${copy}/mod.ts`,
      await unexported(copy),
      { append: true },
    );
    await deno(copy, "bundle", "--declaration", "--outdir=out", "mod.ts");
    const text = await Deno.readTextFile(`${copy}/out/mod.d.ts`);
    const names = await exported();
    await Deno.writeTextFile(
      `${dist}/mod.d.ts`,
      text.replace(/\bimport\("\.[^"]*"\)\./g, "")
        .replace(/^import [^;]* from "\.[^"]*";\n/gm, "")
        .replace(DECLARED, (all, name) => names.has(name) ? all : "") +
        // Without this, all declarations are exported.
        "export {};\n",
    );
    // They need no other file.
    await deno(dist, "check", "--no-config", "mod.d.ts");
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

/** The word `export` before a declaration, whose name is the first group. */
const DECLARED =
  /\bexport (?=(?:declare )?(?:abstract )?(?:class|const|function|interface|let|type) (\w+))/g;

/** The names that `mod.ts` exports. */
async function exported(): Promise<Set<string>> {
  const { nodes }: { nodes: Modules } = JSON.parse(
    await deno(root, "doc", "--json", "mod.ts"),
  );
  return new Set(
    Object.values(nodes).flatMap(({ symbols }) =>
      symbols.map(({ name }) => name)
    ),
  );
}

/** What `deno doc` says about a name in a module. */
interface Declaration {
  readonly declarationKind: "export" | "private" | "declare";
  /** Its parts; where it is, if another module has it. */
  readonly def?: { readonly target?: { readonly filename: string } };
}

/** What `deno doc` says about modules, by their addresses. */
type Modules = Record<
  string,
  { symbols: { name: string; declarations: Declaration[] }[] }
>;

/** A type that a declaration refers to. */
interface Reference {
  readonly typeName: string;
  readonly resolution?:
    | { readonly kind: "local" }
    | { kind: "import"; specifier: string; name: string };
}

/**
 * Exports of types to which the declarations of `mod.ts` refer, but which it
 * does not export. The bundler then writes the declarations of their modules.
 *
 * @param copy The directory that has `mod.ts`.
 */
async function unexported(copy: string): Promise<string> {
  const { modules: graph }: { modules: { specifier: string }[] } = JSON.parse(
    await deno(copy, "info", "--json", "mod.ts"),
  );
  const files = graph.map(({ specifier }) => specifier)
    .filter((url) => /^file:.*\.ts$/.test(url));
  const { nodes: modules }: { nodes: Modules } = JSON.parse(
    await deno(copy, "doc", "--json", "--private", ...files),
  );
  const symbolsOf = (url: string) => modules[url]?.symbols ?? [];
  /** The module that declares a name which another may export again. */
  const home = (url: string, name: string): string => {
    const symbol = symbolsOf(url).find((symbol) => symbol.name === name);
    const next = symbol?.declarations[0].def?.target?.filename ?? url;
    return next === url ? url : home(next, name);
  };
  const base = new URL(`file://${copy}/`).href;
  const entry = `${base}mod.ts`;
  const reached = new Set(
    symbolsOf(entry).map(({ name }) => home(entry, name)),
  );
  const lines: string[] = [];
  for (const url of reached) {
    const symbols = symbolsOf(url);
    const declared = new Set(symbols.filter(isExported));
    for (const { declarations } of declared) {
      for (const { typeName, resolution } of referencesIn(declarations)) {
        if (resolution?.kind === "local") {
          const [name] = typeName.split(".");
          const symbol = symbols.find((symbol) => symbol.name === name);
          if (symbol !== undefined) declared.add(symbol);
        } else if (resolution?.kind === "import") {
          const { specifier, name } = resolution;
          const target = home(new URL(specifier, url).href, name);
          if (reached.has(target)) continue;
          reached.add(target);
          const path = target.slice(base.length);
          lines.push(`export type { ${name} } from "./${path}";\n`);
        }
      }
    }
  }
  return lines.join("");
}

function isExported({ declarations }: Modules[string]["symbols"][0]): boolean {
  return declarations.some((one) => one.declarationKind !== "private");
}

/** The types that a part of what `deno doc` says refers to. */
function referencesIn(part: unknown): Reference[] {
  if (typeof part !== "object" || part === null) return [];
  // The bundler writes no types of what is private in a class.
  if ("accessibility" in part && part.accessibility === "private") return [];
  const found = Object.values(part).flatMap(referencesIn);
  return "typeName" in part ? [part as Reference, ...found] : found;
}

await Deno.mkdir(dist, { recursive: true });
for (const made of await Promise.allSettled([bundle(), untyped || declare()])) {
  if (made.status === "fulfilled") continue;
  if (!(made.reason instanceof DenoFailed)) throw made.reason;
  console.error(made.reason.message);
  Deno.exit(1);
}
for (const { name } of [...Deno.readDirSync(dist)]) {
  console.log(`${dist}/${name}`);
}
