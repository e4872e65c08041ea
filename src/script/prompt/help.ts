import { harmless } from "../../scan/mod.ts";
import { nearest } from "../../report/mod.ts";

/**
 * The files that declare and document the API for authors, relative to this
 * file.
 */
const SOURCES = [
  "../../machine/machine.ts",
  "../../machine/qemu_machine.ts",
  "../../machine/container_machine.ts",
  "../../driver/driver.ts",
  "../../driver/conditions.ts",
  "../../driver/snapshot.ts",
  "../../driver/vlan.ts",
  "../../report/log.ts",
];

/** The same if the program is one file. */
const BUNDLED = ["./mod.d.ts"];

/** A text that a prompt shows as it is. */
class HelpText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  [Symbol.for("Deno.customInspect")](): string {
    return this.#text;
  }
}

/**
 * The type of `help` at a prompt: a text by itself, and a function that
 * explains others.
 */
export interface Help {
  /**
   * Explains a method or a function of the driver's.
   *
   * @param what The function, or its name.
   * @returns Its signature and its documentation.
   */
  (what?: unknown): object;
}

/**
 * Makes `help` for a prompt.
 *
 * @param names The names that inputs see.
 */
export function makeHelp(names: readonly string[]): Help {
  const overview = [
    'help(machine.waitForUnit) explains a method, help("subtest") a function',
    "Tab completes, Ctrl-R searches what was typed before, Ctrl-C interrupts,",
    "Ctrl-D leaves; await may stand anywhere, and is not needed at the start",
    `names: ${
      // Those of NixOS tests are there too.
      names.filter((name) => !name.includes("_")).join(" ")}`,
  ].join("\n");
  const help = (what?: unknown) =>
    new HelpText(what === undefined ? overview : explain(what));
  Object.defineProperty(help, Symbol.for("Deno.customInspect"), {
    value: () => overview,
  });
  return help;
}

/**
 * The name `help` for a prompt, if inputs see no machine of that name.
 *
 * @param names The names that inputs see.
 */
export function helpBeside(names: readonly string[]): { help?: Help } {
  return names.includes("help") ? {} : { help: makeHelp(names) };
}

/** The signature and the documentation of a function, or what is wrong. */
function explain(what: unknown): string {
  const name = typeof what === "function"
    ? what.name.replace(/^bound /, "")
    : typeof what === "string"
    ? camelCase(what.replace(/^.*\./, ""))
    : undefined;
  if (name === undefined || name === "") {
    return "help() expects a function or its name, such as " +
      "help(machine.waitForUnit)";
  }
  const declared = declarations();
  const found = declared.get(name);
  if (found !== undefined) return found.join("\n\n");
  const meant = nearest(name, [...declared.keys()]);
  return `there is no help for ${harmless(name)}` +
    (meant === undefined ? "" : `; did you mean ${meant}?`);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

let known: Map<string, string[]> | undefined;

/** The declaration and documentation of each function, by its name. */
function declarations(): Map<string, string[]> {
  if (known !== undefined) return known;
  known = new Map();
  for (const text of [...texts(SOURCES), ...texts(BUNDLED)]) {
    for (const [name, explanation] of declarationsIn(text)) {
      const all = known.get(name);
      if (all === undefined) known.set(name, [explanation]);
      else if (!all.includes(explanation)) all.push(explanation);
    }
  }
  return known;
}

function texts(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    try {
      return [Deno.readTextFileSync(new URL(path, import.meta.url))];
    } catch {
      // Elsewhere the other files are there.
      return [];
    }
  });
}

/** A comment, and the declaration of a method or a getter below it. */
const DECLARATION =
  /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*\n\s*((?:override |async |static |get |readonly )*([a-z]\w*)(?:<[^()]*>)?(?:\([^]*?\)(?::[^;{]*)?|: [^;=]*))\s*[;{=]/g;

/**
 * Finds the documented functions in a source.
 *
 * @param text The source.
 * @returns The name, and the signature with the documentation, of each.
 */
export function declarationsIn(text: string): [name: string, text: string][] {
  return [...text.matchAll(DECLARATION)].map(([, comment, signature, name]) => {
    const shown = signature.replace(/^(?:override |async |readonly )+/, "")
      .replace(/\s+/g, " ").replace(/\( /g, "(").replace(/,? \)/g, ")").trim();
    const doc = comment.split("\n").map((line) =>
      line.replace(/^\s*\* ?/, "").trimEnd()
    ).join("\n").trim().replace(/\{@linkcode ([^}]*)\}/g, "$1");
    return [name, `${shown}\n${doc.replace(/^/gm, "  ").replace(/ +$/gm, "")}`];
  });
}
