import { fileUrl } from "../script.ts";
import { scanSource } from "./source.ts";

const statement =
  /import\s+(?:([^"'();]+?)\s*from\s*)?("[^"\n]+"|'[^'\n]+')(?:\s*with\s*(\{[^}]*\}))?[^\S\n]*;?/y;

/**
 * Turns imports of a module into code for a script: `import { a as b } from
 * "x"` becomes `const { a: b } = await import("x")`. Relative addresses, also
 * in `import()`, count from the working directory.
 *
 * @param code JavaScript.
 * @param directory An absolute path.
 */
export function rewriteImports(code: string, directory: string): string {
  const { masked } = scanSource(code);
  let out = "";
  let done = 0;
  const replace = (from: number, until: number, text: string) => {
    out += code.slice(done, from) + text;
    done = until;
  };
  for (const { index } of masked.matchAll(/(?<![\w$.])import\b/g)) {
    if (index < done) continue;
    const call = /^import\s*\(\s*(?=["'])/.exec(masked.slice(index));
    if (call !== null) {
      const from = index + call[0].length;
      const [literal] = /^"[^"\n]*"|^'[^'\n]*'/.exec(code.slice(from)) ?? [];
      if (literal === undefined) continue;
      replace(from, from + literal.length, resolved(literal, directory));
      continue;
    }
    statement.lastIndex = index;
    const found = statement.exec(code);
    if (found === null) continue;
    const [text, clause, literal, attributes] = found;
    const options = attributes === undefined ? "" : `, { with: ${attributes} }`;
    const module = `await import(${resolved(literal, directory)}${options});`;
    const declared = clause === undefined
      ? module
      : declarations(clause.trim(), module);
    replace(index, index + text.length, declared);
  }
  return out + code.slice(done);
}

/** The declarations for the names of an import's clause. */
function declarations(clause: string, module: string): string {
  const [, first, rest = ""] = /^(?:([\w$]+)\s*(?:,\s*|$))?([^]*)$/.exec(
    clause,
  )!;
  const space = /^\*\s*as\s+([\w$]+)$/.exec(rest)?.[1];
  if (space !== undefined) {
    return `const ${space} = ${module}` +
      (first === undefined ? "" : ` const { default: ${first} } = ${space};`);
  }
  const names = rest.replace(/^\{|\}$/g, "").split(",")
    .map((name) => name.trim().replace(/\s+as\s+/, ": "))
    .filter((name) => name !== "");
  if (first !== undefined) names.unshift(`default: ${first}`);
  return `const { ${names.join(", ")} } = ${module}`;
}

function resolved(literal: string, directory: string): string {
  const specifier = literal.slice(1, -1);
  if (!/^(?:\.{0,2}\/)/.test(specifier)) return literal;
  return JSON.stringify(new URL(specifier, `${fileUrl(directory)}/`).href);
}
