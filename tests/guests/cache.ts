import { type Recipe, recipeHash } from "./recipe.ts";

/** Gets a message before each long action. */
export type Told = (text: string) => void;

/** `$XDG_CACHE_HOME/vmwright` or `~/.cache/vmwright`. */
export function cacheHome(): string {
  const home = Deno.env.get("XDG_CACHE_HOME");
  // The specification says that a relative path there is to be ignored.
  if (home?.startsWith("/")) return `${home}/vmwright`;
  const user = Deno.env.get("HOME");
  if (user === undefined) {
    throw new Error("expected HOME or XDG_CACHE_HOME to be set");
  }
  return `${user}/.cache/vmwright`;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * The directory that holds what the recipe produces, built if it isn't there.
 *
 * @param build is given the directory to fill, and the name it will get
 * @param told is told that there is something to build
 */
export async function cached(
  recipe: Recipe,
  build: (directory: string, final: string) => Promise<void>,
  told: Told = () => {},
): Promise<string> {
  const root = `${cacheHome()}/guests`;
  const directory = `${root}/${recipe.name}-${await recipeHash(recipe)}`;
  await Deno.mkdir(root, { recursive: true });
  await madeOnce(directory, async (unfinished) => {
    told(`building ${recipe.name} from Debian packages, for the first time`);
    await build(unfinished, directory);
  });
  return directory;
}

/**
 * Makes a directory if it isn't there.
 *
 * That happens in a directory of its own that gets its final name only when it
 * is complete; a second maker of the same directory waits for the first.
 *
 * @param make is given the directory to fill
 */
export async function madeOnce(
  directory: string,
  make: (unfinished: string) => Promise<void>,
): Promise<void> {
  if (await exists(directory)) return;
  using lock = await Deno.open(`${directory}.lock`, {
    create: true,
    write: true,
  });
  await lock.lock(true);
  if (await exists(directory)) return;

  const unfinished = `${directory}.part`;
  await Deno.remove(unfinished, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(unfinished);
  try {
    await make(unfinished);
    await Deno.rename(unfinished, directory);
  } catch (error) {
    await Deno.remove(unfinished, { recursive: true });
    throw error;
  }
}
