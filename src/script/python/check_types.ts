import type { BackendName } from "../../backend/kinds.ts";
import { Supervisor } from "../../backend/mod.ts";
import { identifier } from "../../driver/identifier.ts";
import { temporaryBase } from "../../driver/temporary.ts";
import { UsageError } from "../../errors.ts";
import type { CheckOptions, TypeDiagnostic } from "../check_types.ts";
import type { ScriptNames } from "../declarations.ts";
import type { Script } from "../script.ts";
import { prelude, stubs } from "./stubs.ts";

/** The names that the prelude imports for scripts. */
const IMPORTED = [
  "BaseMachine",
  "CloudHypervisorMachine",
  "Machine",
  "MicroVmMachine",
  "NspawnMachine",
  "QemuMachine",
  "os",
];

/**
 * The codes of mypy's findings that are certain errors. Mypy also rejects code
 * that runs well: a name that changes its type, a second annotation, the value
 * of a call without one.
 */
const CERTAIN = [
  "arg-type",
  "attr-defined",
  "call-arg",
  "call-overload",
  "name-defined",
  "syntax",
];

/**
 * The first version of mypy with which names may change their types anywhere.
 */
const FLEXIBLE_MYPY = [1, 16];

/** Python's class of the machines of each backend. */
const CLASSES: Record<BackendName, string> = {
  qemu: "QemuMachine",
  nspawn: "NspawnMachine",
  firecracker: "MicroVmMachine",
  "cloud-hypervisor": "CloudHypervisorMachine",
};

/** The output of a program; nothing if there is no such program. */
type Output = { readonly text: string } | undefined;

/**
 * Checks a script in Python without running it: with `ty` or else with `mypy`.
 * If there is `ruff`, that looks for unbound names, unused imports and the
 * like.
 *
 * @param script The script.
 * @param names The machines and networks.
 * @param options How to check; `lint: false`: without `ruff`; `types: false`:
 * with `ruff` only.
 * @returns The errors.
 * @throws {UsageError} if there is neither `ty` nor `mypy`.
 */
export async function checkPython(
  script: Script,
  names: ScriptNames,
  options: CheckOptions & { lint?: boolean; types?: boolean } = {},
): Promise<TypeDiagnostic[]> {
  const bound = boundNames(names);
  const text = script.readText().replace(/^\ufeff/, "");
  // The check's files end with the program, whatever ends that.
  await using supervisor = new Supervisor();
  const check = new Check(script, text, bound, {
    ...options,
    directory: supervisor.makeDirectory(temporaryBase(), "vmwright-types-"),
  });
  const types = options.types === false
    ? []
    : await check.ty() ?? await check.mypy();
  if (types === undefined) {
    throw new UsageError(
      `${script.name} is written in Python, and there is neither ty nor mypy ` +
        "on PATH to check it",
    );
  }
  if (options.lint === false) return types;
  // Both programs report an unbound name.
  const places = new Set(types.map(({ place }) => place));
  const lint = (await check.ruff() ?? [])
    .filter(({ place }) => !places.has(place));
  return [...types, ...lint];
}

/** The types of the names of machines and networks. */
function boundNames(
  { machines, vlans }: ScriptNames,
): Map<string, string> {
  const types = new Map<string, string>();
  for (const vlan of vlans) types.set(`vlan${vlan}`, "VLan");
  if (machines.length === 1) types.set("machine", CLASSES[machines[0].backend]);
  for (const { name, backend } of machines) {
    types.set(identifier(name), CLASSES[backend]);
  }
  return types;
}

/**
 * Writes a script and the types of the names that it sees to a directory of its
 * own.
 */
class Check {
  readonly #script: Script;
  readonly #text: string;
  readonly #bound: Map<string, string>;
  readonly #signal?: AbortSignal;
  readonly #directory: string;

  constructor(
    script: Script,
    text: string,
    bound: Map<string, string>,
    { signal, directory }: CheckOptions & { directory: string },
  ) {
    this.#script = script;
    this.#text = text;
    this.#bound = bound;
    this.#signal = signal;
    this.#directory = directory;
    Deno.mkdirSync(`${this.#directory}/test_driver/machine`, {
      recursive: true,
    });
    for (const [name, stub] of Object.entries(stubs)) {
      this.#write(`test_driver/${name}`, stub);
    }
  }

  async ty(): Promise<TypeDiagnostic[] | undefined> {
    this.#write("script.py", this.#text);
    const exported = this.#declarations.replace(
      /^(import|from \S+ import) (.*)$/gm,
      (_, from, imported: string) =>
        `${from} ${
          imported.split(", ")
            .map((one) => IMPORTED.includes(one) ? `${one} as ${one}` : one)
            .join(", ")
        }`,
    );
    this.#write("__builtins__.pyi", exported);
    // The prefix is not that of the program, which may be a link to another
    // place.
    const python = await this.#python("prefix");
    const output = await this.#run("ty", [
      "check",
      ...["--output-format", "concise", "--color", "never"],
      ...python === undefined ? [] : ["--python", python],
      ...["--extra-search-path", this.#ownDirectory, "script.py"],
    ]);
    return output && this.#found(
      output.text,
      /^script\.py:(\d+):(\d+): (error|warning)\[(\S+)\] (.*)$/,
    );
  }

  async mypy(): Promise<TypeDiagnostic[] | undefined> {
    const version = await this.#run("mypy", ["--version"]);
    if (version === undefined) return;
    const python = await this.#python("executable");
    const [, ...numbers] = /(\d+)\.(\d+)/.exec(version.text) ?? [];
    const [major, minor] = numbers.map(Number);
    const isFlexible = major > FLEXIBLE_MYPY[0] ||
      major === FLEXIBLE_MYPY[0] && minor >= FLEXIBLE_MYPY[1];
    // A statement that must be the first of a file stays the first.
    const futures = this.#text.match(/^from __future__ import .*$/gm) ?? [];
    const before = [...futures, this.#declarations.trimEnd(), ""].join("\n");
    const rest = this.#text.replace(/^from __future__ import .*$/gm, "");
    this.#write("script.py", before + rest);
    const output = await this.#run("mypy", [
      "--check-untyped-defs",
      ...isFlexible
        ? [
          major > 1 ? "--allow-redefinition" : "--allow-redefinition-new",
          "--local-partial-types",
        ]
        : ["--allow-redefinition"],
      "--no-implicit-optional",
      ...["--follow-imports", "silent", "--ignore-missing-imports"],
      "--show-column-numbers",
      ...["--no-pretty", "--no-error-summary", "--no-color-output"],
      ...["--config-file", "/dev/null", "--cache-dir", "/dev/null"],
      ...python === undefined ? [] : ["--python-executable", python],
      "script.py",
    ], { MYPYPATH: `${this.#directory}:${this.#ownDirectory}` });
    return output && this.#found(
      output.text,
      /^script\.py:(\d+):(\d+): (error): (?=.* \[([\w-]+)\]$)(.*)$/,
      before.split("\n").length - 1,
    ).filter(({ code }) => CERTAIN.includes(code));
  }

  async ruff(): Promise<TypeDiagnostic[] | undefined> {
    this.#write("script.py", this.#text);
    const declared = this.#declarations.matchAll(/^(\w+): /gm);
    const builtins = [...IMPORTED, ...[...declared].map(([, name]) => name)];
    const output = await this.#run("ruff", [
      "check",
      ...["--select", "F", "--isolated", "--no-cache", "--quiet"],
      ...["--output-format", "concise"],
      ...["--config", `builtins = ${JSON.stringify(builtins)}`, "script.py"],
    ]);
    return output && this.#found(
      output.text,
      /^script\.py:(\d+):(\d+):( )([A-Z]\d+) (?:\[\*\] )?(.*)$/,
    );
  }

  /** The names that a script sees, with their types. */
  get #declarations(): string {
    const own = [...this.#bound].map(([name, type]) => `${name}: ${type}\n`);
    return prelude + own.join("");
  }

  /** The Python that runs scripts, whose packages they import. */
  async #python(place: "executable" | "prefix"): Promise<string | undefined> {
    const output = await this.#run("python3", [
      "-c",
      `import sys; print(sys.${place})`,
    ]);
    return output?.text.trim();
  }

  /** The directories of the modules that the script imports. */
  get #ownDirectory(): string {
    return decodeURIComponent(new URL(".", this.#script.url).pathname);
  }

  #write(name: string, text: string): void {
    Deno.writeTextFileSync(`${this.#directory}/${name}`, text);
  }

  /**
   * Runs a program and returns its output; nothing if there is no such program.
   */
  async #run(
    program: string,
    args: string[],
    env: Record<string, string> = {},
  ): Promise<Output> {
    let output: Deno.CommandOutput;
    try {
      output = await new Deno.Command(program, {
        args,
        cwd: this.#directory,
        env: { NO_COLOR: "1", ...env },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
        signal: this.#signal,
      }).output();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    const [text, complaint] = [output.stdout, output.stderr]
      .map((bytes) => new TextDecoder().decode(bytes));
    // Status 1 means that there are findings.
    if (output.code > 1 && !/^script\.py:/m.test(text)) {
      throw new UsageError(
        `${program} can't check ${this.#script.name}: ${
          (complaint || text).trim()
        }`,
      );
    }
    return { text };
  }

  /**
   * Parses lines of findings, and returns those of the script itself, with its
   * own line numbers.
   */
  #found(
    text: string,
    pattern: RegExp,
    before = 0,
  ): (TypeDiagnostic & { code: string })[] {
    const lines = this.#text.split("\n");
    return text.split("\n").flatMap((line) => {
      const match = pattern.exec(line);
      if (match === null) return [];
      const [, row, column, kind, code, message] = match;
      const number = Number(row) - before;
      if (number < 1) return [];
      const source = lines[number - 1] ?? "";
      return [{
        place: `${this.#script.name}:${number}:${column}`,
        message: message.endsWith(`[${code}]`)
          ? message
          : `${message} [${code}]`,
        source: `${source}\n${" ".repeat(Number(column) - 1)}^`,
        isWarning: kind === "warning",
        code,
      }];
    });
  }
}
