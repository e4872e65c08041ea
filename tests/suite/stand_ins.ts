import { assertEquals } from "@std/assert";
import type { SuiteResults } from "../../src/suite/results.ts";
import { temporaryDirectory, vmwrightCommand } from "../cli/vmwright.ts";

/** Scripts without machines, for tests of suites: what each of them comes to. */
export const scripts = {
  "passes.ts": `console.log("fine");`,
  "passes.py": `print("fine")`,
  "fails.ts": `throw new Error("no way");`,
  "flaky.ts": `const flag = \`\${Deno.env.get("FLAG")}.flag\`;
try {
  Deno.statSync(flag);
} catch {
  Deno.writeTextFileSync(flag, "");
  throw new Error("only once");
}`,
  "hangs.ts": `await new Promise(() => setInterval(() => {}, 1e9));`,
  // No timer of its process fires any more.
  "blocks.ts": `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`,
  // It does not even hear a signal.
  "stops.ts": `Deno.writeTextFileSync("stops.pid", String(Deno.pid));
Deno.kill(Deno.pid, "SIGSTOP");`,
  "crashes.ts": `Deno.kill(Deno.pid, "SIGKILL");`,
  // It begins a process of its own, and tells that it waits.
  "waits.ts": `new Deno.Command("sleep", { args: ["1000"] }).spawn();
Deno.writeTextFileSync(\`\${Deno.env.get("NAME")}.new\`, String(Deno.pid));
Deno.renameSync(\`\${Deno.env.get("NAME")}.new\`, \`\${Deno.env.get("NAME")}.pid\`);
await new Promise(() => setInterval(() => {}, 1e9));`,
};

/** A folder with a suite, whose processes can be told from all others. */
export class SuiteFolder implements Disposable {
  readonly #folder: ReturnType<typeof temporaryDirectory>;

  /** Writes the suite, beside {@linkcode scripts} and other files. */
  constructor(tests: unknown, files: Record<string, string> = {}) {
    this.#folder = temporaryDirectory({
      "vmwright.suite.json": JSON.stringify({
        // That takes longer than all else, and is not what these tests are about.
        defaults: { options: ["--no-check"] },
        tests,
      }),
      ...scripts,
      ...files,
    });
    Deno.mkdirSync(`${this.path}/temporary`);
  }

  /** The path. */
  get path(): string {
    return this.#folder.path;
  }

  /** Begins `vmwright test`. */
  begin(args: string[], options: { env?: Record<string, string> } = {}) {
    return vmwrightCommand(["test", ...args], {
      cwd: this.path,
      env: {
        TMPDIR: `${this.path}/temporary`,
        XDG_RUNTIME_DIR: "",
        // This may be run where one of them is set.
        GITHUB_ACTIONS: "",
        GITLAB_CI: "",
        ...options.env,
      },
    }).spawn();
  }

  /** Runs `vmwright test` to its end. */
  async run(
    args: string[] = [],
    options: { env?: Record<string, string> } = {},
  ) {
    const { code, stdout, stderr } = await this.begin(args, options).output();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  /** A file of the folder. */
  read(name: string): string {
    return Deno.readTextFileSync(`${this.path}/${name}`);
  }

  /** What `suite.json` holds. */
  results(directory = "vmwright-results"): SuiteResults {
    return JSON.parse(this.read(`${directory}/suite.json`));
  }

  /** The verdict of each test. */
  verdicts(directory?: string): Record<string, string> {
    return Object.fromEntries(
      this.results(directory).tests.map(({ name, verdict }) => [name, verdict]),
    );
  }

  /**
   * Waits until a test of the script `waits.ts` runs, for which there is no event;
   * returns its process.
   */
  waiting(name: string): Promise<number>;
  /** The same, or until nobody is interested any more. */
  waiting(name: string, signal: AbortSignal): Promise<number | undefined>;
  async waiting(
    name: string,
    signal?: AbortSignal,
  ): Promise<number | undefined> {
    while (!signal?.aborted) {
      try {
        return Number(this.read(`${name}.pid`));
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  /** Checks that no process of the suite is left, and no file that is private to it. */
  async assertNothingLeft(): Promise<void> {
    const deadline = Date.now() + 300_000;
    let left = this.#left();
    while (left.length > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      left = this.#left();
    }
    assertEquals(left, []);
  }

  #left(): string[] {
    const left = [...Deno.readDirSync(`${this.path}/temporary`)].map((
      { name },
    ) => name);
    for (const { name } of Deno.readDirSync("/proc")) {
      if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
      try {
        const environment = Deno.readTextFileSync(`/proc/${name}/environ`);
        if (environment.includes(this.path)) left.push(name);
      } catch {
        // It ended while it was looked at.
      }
    }
    return left;
  }

  /** Removes the folder. */
  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}
