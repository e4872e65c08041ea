// Holds the plan of rooms: a file imports only from its own room or from one
// that comes before it, and no files import each other in a circle.
//   deno run -A tests/layers.ts

/** The rooms of `src/`, each of which knows only those before it. */
const ROOMS = [
  "errors.ts",
  "paths.ts",
  "version.ts",
  "scan",
  "stream",
  "time",
  "terminal",
  "report",
  "qmp",
  "shell",
  "console",
  "backend",
  "machine",
  "driver",
  "script",
  "run",
  "suite",
  "cli",
];

/** An import from a room that comes later, or a circle of files. */
export interface Finding {
  /** The file that imports, from the top of the project. */
  readonly file: string;
  /** The violation, in a sentence. */
  readonly text: string;
}

/**
 * Looks at the imports of some files.
 *
 * @param files Their texts, by their paths from the top of the project.
 * @param rooms The rooms of `src/`, from the ground up.
 * @returns What breaks the plan.
 */
export function findings(
  files: ReadonlyMap<string, string>,
  rooms: readonly string[] = ROOMS,
): Finding[] {
  const imports = new Map<string, string[]>();
  for (const [file, text] of files) imports.set(file, importsOf(file, text));
  const found: Finding[] = [];
  for (const [file, targets] of imports) {
    const floor = floorOf(file, rooms);
    if (floor === undefined) continue;
    if (floor < 0) {
      found.push({ file, text: `${file} is in no room of the plan` });
      continue;
    }
    for (const target of targets) {
      const isTop = target === "mod.ts" && floor === rooms.length - 1;
      if (/^(tests|examples)\/|^(cli|mod)\.ts$/.test(target) && !isTop) {
        found.push({
          file,
          text: `${file} imports ${target}, from outside of src/`,
        });
      }
      if ((floorOf(target, rooms) ?? -1) <= floor) continue;
      found.push({
        file,
        text: `${file} imports ${target}, from a room that comes later`,
      });
    }
  }
  for (const circle of circles(imports)) {
    found.push({ file: circle[0], text: `circle: ${circle.join(" -> ")}` });
  }
  return found;
}

/** The number of a file's room; -1 for none, and nothing outside of `src/`. */
function floorOf(file: string, rooms: readonly string[]): number | undefined {
  const [top, room] = file.split("/");
  return top === "src" && !file.endsWith(".d.ts")
    ? rooms.indexOf(room)
    : undefined;
}

/** The files of the project that a file imports, also for their types only. */
function importsOf(file: string, text: string): string[] {
  const code = text.replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
  const specifiers = code.matchAll(
    /(?:\bfrom\s*|\bimport\s*\(?\s*)"(\.{1,2}\/[^"]+)"/g,
  );
  const base = new URL(file, "file:///");
  const named = [...specifiers].map(([, specifier]) => {
    const path = new URL(specifier, base).pathname.slice(1);
    // AssemblyScript names its modules without an ending.
    return file.startsWith("wasm/") && !/\.\w+$/.test(path)
      ? `${path}.ts`
      : path;
  });
  return [...new Set(named)];
}

/** Files that import each other in a circle, each circle once. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string) => {
    const at = path.indexOf(file);
    if (at >= 0) return void found.push([...path.slice(at), file]);
    if (done.has(file)) return;
    path.push(file);
    for (const target of imports.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of imports.keys()) visit(file);
  return found;
}

function* walk(directory: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) yield* walk(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

if (import.meta.main) {
  Deno.chdir(new URL("..", import.meta.url));
  const files = new Map(
    [...walk("src"), ...walk("wasm")].map(
      (file) => [file, Deno.readTextFileSync(file)],
    ),
  );
  const found = findings(files);
  for (const { text } of found) console.error(text);
  if (found.length > 0) Deno.exit(1);
  console.log(`${files.size} files keep to the plan of rooms`);
}
