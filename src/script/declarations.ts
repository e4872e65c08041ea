import standardTypes from "../std.d.ts" with { type: "text" };
import { identifier } from "../driver/identifier.ts";
import { snakeCase } from "../machine/snake_case.ts";
import { isJavaScripts } from "./globals.ts";
import { isReservedWord } from "./reserved_words.ts";

/** What decides about the names that a script sees. */
export interface ScriptNames {
  /** The machines' names. */
  readonly machines: readonly string[];
  /** The networks' numbers. */
  readonly vlans: readonly number[];
}

/** The type of each name that every script sees. */
const general: Record<string, string> = {
  startAll: `Driver["startAll"]`,
  joinAll: `Driver["joinAll"]`,
  testScript: `Driver["testScript"]`,
  runTests: `Driver["runTests"]`,
  machines: "Machine[]",
  machinesQemu: "Machine[]",
  machinesNspawn: "Machine[]",
  vlans: "Vlan[]",
  driver: "Driver",
  log: "Log",
  createMachine: `Driver["createMachine"]`,
  subtest: `Driver["subtest"]`,
  retry: `Driver["retry"]`,
  serialStdoutOn: `Driver["serialStdoutOn"]`,
  serialStdoutOff: `Driver["serialStdoutOff"]`,
  pollingCondition: `Driver["pollingCondition"]`,
  debug: "Debug",
};

/**
 * Lists the names that a script sees, with the type of each, assertions apart.
 *
 * @param names The machines and networks.
 * @returns Types by name.
 */
export function typesOfNames(names: ScriptNames): Map<string, string> {
  const types = new Map<string, string>();
  for (const [name, type] of Object.entries(general)) {
    types.set(name, type);
    types.set(snakeCase(name), type);
  }
  for (const vlan of names.vlans) types.set(`vlan${vlan}`, "Vlan");
  if (names.machines.length === 1) types.set("machine", "Machine");
  for (const name of names.machines) types.set(identifier(name), "Machine");
  return types;
}

/**
 * Declares what a script sees as global variables, for an editor and for `deno
 * check`.
 *
 * @param names The machines and networks.
 * @param module Where the types come from: the address of `mod.ts`, or of its
 * declarations.
 * @returns The text of a declaration file.
 */
export function declarations(names: ScriptNames, module: string): string {
  const types = typesOfNames(names);
  const variables = [...types]
    // What JavaScript has already is not touched, see bindGlobals.
    .filter(([name]) => !isJavaScripts(name))
    .map(([name, type]) =>
      isReservedWord(name)
        ? `  // "${name}" is a reserved word: find that machine in machines.`
        : `  const ${name}: ${type};`
    );
  const from = JSON.stringify(module);
  const classes = ["BaseMachine", "Machine"].map((name) => {
    const type = `  type ${name} = import(${from}).${name};`;
    return types.has(name)
      ? type
      : `${type}\n  const ${name}: abstract new (...args: never) => ${name};`;
  });
  return `// What a test script sees, as vmwright declares it.
import type { Debug, Driver, Log, Machine, Vlan } from ${from};

declare global {
${variables.join("\n")}

${classes.join("\n")}

${dedentType(types)}
${assertionTypes()}}
`;
}

/** The declaration of the template tag, unless a machine is called that. */
function dedentType(types: Map<string, string>): string {
  return types.has("dedent")
    ? ""
    : "  function dedent(strings: TemplateStringsArray, ...values: unknown[]): string;\n";
}

/** The declarations of the assertions, from the module that holds them. */
function assertionTypes(): string {
  const begin = standardTypes.indexOf(`declare module "@std/assert" {\n`);
  const end = standardTypes.indexOf("\n}\n", begin);
  return standardTypes.slice(standardTypes.indexOf("\n", begin) + 1, end + 1)
    .replaceAll(/^ {2}export /gm, "  ");
}
