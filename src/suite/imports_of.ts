import { directoryOf } from "../paths.ts";
import { languageOf } from "../script/language.ts";
import { fileUrl } from "../script/script.ts";

/**
 * The files that a script imports, and those that they import, as far as their
 * texts name them: a file that is found by other ways is not among them.
 *
 * @param script The script's absolute path.
 * @returns Absolute paths, that of the script too.
 */
export function withImports(script: string): string[] {
  const found = new Set<string>();
  for (const left = [script]; left.length > 0;) {
    const file = left.pop()!;
    if (found.has(file)) continue;
    let text;
    try {
      text = Deno.readTextFileSync(file);
    } catch {
      continue;
    }
    found.add(file);
    left.push(
      ...languageOf(file) === "python"
        ? pythonImports(text, directoryOf(file))
        : relativeImports(text, file),
    );
  }
  return [...found];
}

function relativeImports(text: string, file: string): string[] {
  const specifiers = text.matchAll(
    /(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.{1,2}\/[^"']+)["']/g,
  );
  const base = fileUrl(file);
  return [...specifiers].map(([, specifier]) =>
    decodeURIComponent(new URL(specifier, base).pathname)
  );
}

function pythonImports(text: string, folder: string): string[] {
  return [...text.matchAll(/^\s*(?:from|import)\s+([\w.]+)/gm)].flatMap(
    ([, name]) => {
      const path = `${folder}/${name.replace(/^\.+/, "").replaceAll(".", "/")}`;
      return [`${path}.py`, `${path}/__init__.py`];
    },
  );
}
