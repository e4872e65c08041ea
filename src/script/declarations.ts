import standardTypes from "../std.d.ts" with { type: "text" };
import { identifier } from "../driver/identifier.ts";
import type { MachineName } from "../driver/machine_name.ts";
import { snakeCase } from "../machine/snake_case.ts";
import { isJavaScripts } from "./globals.ts";
import { isReservedWord } from "./reserved_words.ts";

/** The facts that decide which names a script sees. */
export interface ScriptNames {
  /** The machines' names and backends. */
  readonly machines: readonly MachineName[];
  /** The networks' numbers. */
  readonly vlans: readonly number[];
}

/** The type of each name that every script sees. */
const general: Record<string, string> = {
  startAll: `Driver["startAll"]`,
  joinAll: `Driver["joinAll"]`,
  testScript: `Driver["testScript"]`,
  runTests: `Driver["runTests"]`,
  machinesQemu: `MachineOf<"qemu">[]`,
  machinesNspawn: `MachineOf<"nspawn">[]`,
  vlans: "Vlan[]",
  log: "Log",
  createMachine: `Driver["createMachine"]`,
  retry: `Driver["retry"]`,
  serialStdoutOn: `Driver["serialStdoutOn"]`,
  serialStdoutOff: `Driver["serialStdoutOff"]`,
  pollingCondition: `Driver["pollingCondition"]`,
  debug: "Debug",
};

/**
 * Lists the names that a script sees and their types, without the assertions.
 *
 * @param names The machines and networks.
 * @returns Types by name.
 */
export function typesOfNames(names: ScriptNames): Map<string, string> {
  const types = new Map<string, string>();
  const { machines, vlans } = names;
  const kinds = [...new Set(machines.map(({ backend }) => `"${backend}"`))];
  const kind = kinds.length === 0 ? "" : `<${kinds.sort().join(" | ")}>`;
  const all = {
    ...general,
    machines: `MachineOf${kind}[]`,
    driver: `Driver${kind}`,
    subtest: `Driver${kind}["subtest"]`,
    snapshot: `Driver${kind}["snapshot"]`,
  };
  for (const [name, type] of Object.entries(all)) {
    types.set(name, type);
    types.set(snakeCase(name), type);
  }
  for (const vlan of vlans) types.set(`vlan${vlan}`, "Vlan");
  if (machines.length === 1) types.set("machine", `MachineOf${kind}`);
  for (const { name, backend } of machines) {
    types.set(identifier(name), `MachineOf<"${backend}">`);
  }
  return types;
}

/**
 * Declares the names that a script sees as global variables, for editors and
 * for `deno check`.
 *
 * @param names The machines and networks.
 * @param module The address of `mod.ts`, or of its declarations.
 * @returns The text of a declaration file.
 */
export function declarations(names: ScriptNames, module: string): string {
  const types = typesOfNames(names);
  const variables = [...types]
    // Names of JavaScript itself are not bound, see bindGlobals.
    .filter(([name]) => !isJavaScripts(name))
    .map(([name, type]) =>
      isReservedWord(name)
        ? `  // "${name}" is a reserved word: find that machine in machines.`
        : `  const ${name}: ${type};`
    );
  const from = JSON.stringify(module);
  const classes = [
    "BaseMachine",
    "QemuMachine",
    "ContainerMachine",
    "MicroVmMachine",
    "CloudHypervisorMachine",
  ].map(
    (name) => declaredClass(name, name, name, from, types),
  );
  classes.push(
    declaredClass(
      "Machine",
      "Machine<Kind extends BaseMachine = BaseMachine>",
      "Machine<Kind>",
      from,
      types,
    ),
  );
  return `// What a test script sees, as vmwright declares it.
import type { Debug, Driver, Log, MachineOf, Vlan } from ${from};

declare global {
${variables.join("\n")}

${classes.join("\n")}

${dedentType(types)}
${assertionTypes()}}
`;
}

/** The declaration of the template tag, unless a machine has its name. */
function dedentType(types: Map<string, string>): string {
  return types.has("dedent")
    ? ""
    : "  function dedent(strings: TemplateStringsArray, ...values: unknown[]): string;\n";
}

/** Declares a type, and the class of that name if no machine has the name. */
function declaredClass(
  name: string,
  declared: string,
  meant: string,
  from: string,
  types: ReadonlyMap<string, string>,
): string {
  const type = `  type ${declared} = import(${from}).${meant};`;
  return types.has(name)
    ? type
    : `${type}\n  const ${name}: abstract new (...args: never) => ${name};`;
}

/** The declarations of the assertions, from the file that has them. */
function assertionTypes(): string {
  const begin = standardTypes.indexOf(`declare module "@std/assert" {\n`);
  const end = standardTypes.indexOf("\n}\n", begin);
  return standardTypes.slice(standardTypes.indexOf("\n", begin) + 1, end + 1)
    .replaceAll(/^ {2}export /gm, "  ");
}
