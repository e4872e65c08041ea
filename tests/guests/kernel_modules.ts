/** A kernel module: where it is, and what must be loaded before it. */
export interface KernelModule {
  readonly name: string;
  /** Relative to the directory of modules. */
  readonly path: string;
  readonly dependsOn: readonly string[];
}

function* moduleFiles(directory: string, below = ""): Generator<string> {
  for (const entry of Deno.readDirSync(`${directory}/${below}`)) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory) yield* moduleFiles(directory, path);
    else if (entry.name.endsWith(".ko")) yield path;
  }
}

function moduleName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1, -".ko".length)
    .replaceAll("-", "_");
}

/** What the module's `.modinfo` section says it depends on. */
export function dependencies(module: Uint8Array): string[] {
  // Latin 1 keeps a character per byte.
  const text = new TextDecoder("latin1").decode(module);
  const found = /(?:^|\0)depends=([^\0]*)\0/.exec(text)?.[1] ?? "";
  return found.split(",").filter((name) => name !== "")
    .map((name) => name.replaceAll("-", "_"));
}

/**
 * The named modules and all that they depend on, each after its dependencies. A
 * missing module counts as built into the kernel.
 */
export async function moduleClosure(
  directory: string,
  wanted: readonly string[],
): Promise<KernelModule[]> {
  const paths = new Map(
    [...moduleFiles(directory)].map((path) => [moduleName(path), path]),
  );
  const ordered = new Map<string, KernelModule>();
  const visit = async (name: string) => {
    const path = paths.get(name);
    if (path === undefined || ordered.has(name)) return;
    const dependsOn = dependencies(await Deno.readFile(`${directory}/${path}`));
    for (const dependency of dependsOn) await visit(dependency);
    ordered.set(name, { name, path, dependsOn });
  };
  for (const name of wanted) await visit(name);
  return [...ordered.values()];
}

/**
 * The text of a `modules.dep`, as modprobe reads it: it loads a line's
 * dependencies from the last to the first.
 *
 * @param modules as {@linkcode moduleClosure} orders them
 */
export function modulesDep(modules: readonly KernelModule[]): string {
  const byName = new Map(modules.map((module) => [module.name, module]));
  const needed = (module: KernelModule): KernelModule[] =>
    module.dependsOn.flatMap((name) => {
      const dependency = byName.get(name);
      return dependency ? [dependency, ...needed(dependency)] : [];
    });
  return modules.map((module) => {
    const all = new Set(needed(module));
    const paths = modules.filter((other) => all.has(other)).reverse()
      .map(({ path }) => ` ${path}`);
    return `${module.path}:${paths.join("")}\n`;
  }).join("");
}
