import { newerNix } from "./newer_nix.ts";

/** A Nix that the tests run. */
export interface Release {
  /** What it calls itself, as in "2.8.0". */
  readonly version: string;
  /** What stands before the rest of `PATH` for it. */
  readonly directory?: string;
}

function release(directory?: string): Release | undefined {
  try {
    const { success, stdout } = new Deno.Command(
      directory === undefined ? "nix" : `${directory}/nix`,
      { args: ["--version"], stderr: "null" },
    ).outputSync();
    const version = new TextDecoder().decode(stdout).trim().split(" ").at(-1)!;
    return success ? { version, directory } : undefined;
  } catch {
    return undefined;
  }
}

const host = release();

/** Why these tests can't run here, if they can't. */
export const missing: string | undefined = host === undefined
  ? "there is no nix that runs (Debian has it as nix-bin)"
  : undefined;
if (missing) console.log(`tests/nix: skipped, ${missing}`);

/**
 * The host's Nix, and a newer one where the host's is old and Debian's can be had:
 * for what evaluates, which newer ones do in other words and by other rules.
 */
export const releases: readonly Release[] = await (async () => {
  if (host === undefined) return [];
  const [major, minor] = host.version.split(".").map(Number);
  if (major > 2 || minor >= 26) return [host];
  try {
    const newer = release(await newerNix());
    if (newer !== undefined) return [host, newer];
  } catch (error) {
    console.log(`tests/nix: no newer Nix, ${(error as Error).message}`);
  }
  console.log(`tests/nix: on Nix ${host.version} alone`);
  return [host];
})();

/** The checkout. */
export const root = new URL("../..", import.meta.url).pathname
  .replace(/\/$/, "");

/** What a nix command printed before it failed. */
export class NixError extends Error {
  override name = "NixError";
}

/** Nix with a store of its own, gone with the tests. */
export class Nix implements AsyncDisposable {
  readonly #folder: string;
  readonly #directory?: string;

  /** The variables that it runs with. */
  readonly environment: Record<string, string>;

  /**
   * @param environment Variables that expressions and builds see.
   * @param release Which Nix; by default the host's.
   */
  constructor(environment: Record<string, string> = {}, release?: Release) {
    const folder = Deno.realPathSync(
      Deno.makeTempDirSync({ prefix: "vmwright-nix-" }),
    );
    this.#folder = folder;
    for (const name of ["etc", "home"]) Deno.mkdirSync(`${folder}/${name}`);
    Deno.writeTextFileSync(
      `${folder}/etc/nix.conf`,
      `sandbox = false
build-users-group =
experimental-features = nix-command flakes
system-features = nixos-test kvm
substituters =
flake-registry =
`,
    );
    const path = Deno.env.get("PATH") ?? "/usr/bin:/bin";
    this.#directory = release?.directory;
    this.environment = {
      PATH: path,
      HOME: `${folder}/home`,
      NIX_STORE_DIR: `${folder}/store`,
      NIX_STATE_DIR: `${folder}/var`,
      NIX_LOG_DIR: `${folder}/log`,
      NIX_CONF_DIR: `${folder}/etc`,
      NIX_REMOTE: "local",
      ...environment,
    };
  }

  /** A folder for a test's own files. */
  folder(name: string): string {
    const path = `${this.#folder}/${name}`;
    Deno.mkdirSync(path, { recursive: true });
    return path;
  }

  /** Runs `nix`, with more variables; what it printed to stdout. */
  run(args: string[], more: Record<string, string> = {}): Promise<string> {
    return this.#command("nix", args, more);
  }

  /** Adds a file to the store, where a derivation that fetches one of its name and hash finds it. */
  async addFetched(path: string): Promise<void> {
    await this.#command("nix-store", ["--add-fixed", "sha512", path]);
  }

  async #command(
    program: string,
    args: string[],
    more: Record<string, string> = {},
  ): Promise<string> {
    const command = this.#directory === undefined
      ? program
      : `${this.#directory}/${program}`;
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args,
      cwd: root,
      clearEnv: true,
      env: { ...this.environment, ...more },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    if (!success) throw new NixError(decoder.decode(stderr));
    return decoder.decode(stdout);
  }

  /** The value of an expression in which `tests/nix/project.nix` is open. */
  async evaluate(expression: string): Promise<unknown> {
    return JSON.parse(
      await this.run(["eval", "--impure", "--json", ...expr(expression)]),
    );
  }

  /**
   * Builds the derivation that such an expression is, with more options and
   * variables; its output.
   */
  async build(
    expression: string,
    options: readonly string[] = [],
    more: Record<string, string> = {},
  ): Promise<string> {
    const result = await this.run([
      "build",
      ...options,
      "--impure",
      "--no-link",
      "--json",
      "--print-build-logs",
      ...expr(expression),
    ], more);
    return JSON.parse(result)[0].outputs.out;
  }

  /** Removes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    // A store's files are read-only.
    await new Deno.Command("chmod", { args: ["-R", "u+w", this.#folder] })
      .output();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function expr(expression: string): string[] {
  return ["--expr", `with import ${root}/tests/nix/project.nix; ${expression}`];
}
