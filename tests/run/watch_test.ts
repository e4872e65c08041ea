import { assertEquals, assertStringIncludes } from "@std/assert";
import { retry } from "../../src/driver/mod.ts";
import {
  isLanguageServer,
  languageServers,
} from "../script/language_servers.ts";
import { runtimeDirectory } from "../cli/runtime_directory.ts";
import { temporaryDirectory, vmwrightCommand } from "../cli/vmwright.ts";
import { Heard } from "../heard.ts";

/** Watches a script that starts no machine. */
function watching(
  files: Record<string, string>,
  args: string[] = ["--watch", "--no-check", "--start-scripts", "./run-a-vm"],
) {
  const directory = temporaryDirectory({
    "run-a-vm": "#!/bin/sh\n",
    "out/x": "",
    ...files,
  });
  const child = vmwrightCommand([
    ...args,
    ...["-o", "out", "--no-html", "--", "test.ts"],
  ], { cwd: directory.path, env: { XDG_RUNTIME_DIR: runtimeDirectory } })
    .spawn();
  const stdout = new Heard(child.stdout), stderr = new Heard(child.stderr);
  return {
    write: (name: string, contents: string) =>
      Deno.writeTextFileSync(`${directory.path}/${name}`, contents),
    /** Waits until the script has said something. */
    said: (part: string) => stdout.said(part),
    /** Waits until the log has. */
    told: (part: string) => stderr.said(part),
    pid: child.pid,
    async interrupt() {
      child.kill("SIGINT");
      const { code } = await child.status;
      await stdout.whole;
      return { code, stderr: await stderr.whole };
    },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

Deno.test("--watch runs again when the script or a file that it imports changes", async () => {
  using watched = watching({
    "test.ts": `import { n } from "./lib/n.ts"; console.log("n is", n);`,
    "lib/n.ts": "export const n = 1;",
  });
  await watched.said("n is 1\n");
  watched.write("lib/n.ts", "export const n = 2;");
  await watched.said("n is 2\n");
  watched.write(
    "test.ts",
    `import { n } from "./lib/n.ts"; console.log("now n is", n);`,
  );
  await watched.said("now n is 2\n");
  assertEquals((await watched.interrupt()).code, 130);
});

Deno.test("--watch shows all runs at one address of the report", async () => {
  using watched = watching({ "test.ts": `console.log("first");` }, [
    ...["--watch", "--report-server", "--no-check"],
    ...["--start-scripts", "./run-a-vm"],
  ]);
  await watched.told("the report is live at ");
  await watched.said("first\n");
  await watched.told("waiting for a change");
  watched.write("test.ts", `console.log("second");`);
  await watched.said("second\n");
  const { stderr } = await watched.interrupt();
  assertEquals(stderr.match(/the report is live at /g)?.length, 1);
});

Deno.test("--watch goes on after a failure", async () => {
  using watched = watching({
    "test.ts": `console.log("bad"); throw new Error("broken");`,
  });
  await watched.said("bad\n");
  await watched.told("!!! Error: broken\n");
  watched.write("test.ts", `console.log("good");`);
  await watched.said("good\n");
  await watched.told("test passed");
  await watched.interrupt();
});

Deno.test("--watch: a change ends the run that is under way", async () => {
  using watched = watching({
    "test.ts": `console.log("slow"); await new Promise(() => {});`,
  });
  await watched.said("slow\n");
  watched.write("test.ts", `console.log("fast");`);
  await watched.said("fast\n");
  const { stderr } = await watched.interrupt();
  assertStringIncludes(stderr, "test.ts changed\n");
});

Deno.test("--watch: a script that outlives its run finds its own machines, and is no part of the next", async () => {
  using watched = watching({
    "test.ts": `
      const mine = driver;
      console.log("first");
      while (true) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        if (!Deno.args.includes("go on")) continue;
        console.log("old", driver === mine);
        Deno.args.push("gone");
        break;
      }
      throw new Error("too late");`,
  }, ["--watch", "--start-scripts", "./run-a-vm"]);
  await watched.said("first\n");
  // It is checked while the first one's names are bound still.
  watched.write(
    "test.ts",
    `driver.signal.throwIfAborted();
     console.log("second", machine.name);
     Deno.args.push("go on");
     await retry(() => Deno.args.includes("gone"));`,
  );
  await watched.said("second a\nold true\n");
  await watched.told("test passed");
  const { code } = await watched.interrupt();
  assertEquals(code, 130);
});

Deno.test("--watch eval-file runs the changed file", async () => {
  using watched = watching(
    { "test.ts": `console.log("first"); await Driver.create();` },
    ["eval-file", "--watch"],
  );
  await watched.said("first\n");
  await watched.told("waiting for a change");
  watched.write(
    "test.ts",
    `const { signal } = await Driver.create();
     signal.onabort = () => console.log("ended:", signal.reason.message);
     console.log("second");
     await new Promise(() => {});`,
  );
  await watched.said("second\n");
  watched.write("test.ts", `console.log("third");`);
  await watched.said("ended: ");
  await watched.said("test.ts changed\n");
  await watched.said("third\n");
  assertEquals((await watched.interrupt()).code, 130);
});

const mishaps: [string, string, string, string[]][] = [
  [
    "a rejection that nobody handles",
    `Promise.reject(new Error("lost")); await new Promise(() => {});`,
    "Error: lost\n",
    ["--no-check"],
  ],
  [
    "Deno.exit",
    "Deno.exit(3);",
    "ended itself with exit status 3\n",
    ["--no-check"],
  ],
  [
    "the global timeout",
    "await new Promise(() => {});",
    "GlobalTimeout: ",
    ["--no-check", "--global-timeout", "0.5"],
  ],
  [
    "a mistake in its types",
    "machine.strat; await new Promise(() => {});",
    "'strat' does not exist",
    [],
  ],
];
for (const [name, script, expected, args] of mishaps) {
  Deno.test(`--watch --keep-machines goes on after ${name}`, async () => {
    using watched = watching({ "test.ts": script }, [
      ...["--watch", "--keep-machines", "--dump-vsocks", "3"],
      ...["--start-scripts", "./run-a-vm", ...args],
    ]);
    await watched.told("a is reached by: ");
    await watched.told(expected);
    await watched.told("waiting for a change");
    watched.write("test.ts", "driver.signal.throwIfAborted();");
    await watched.told("test passed");
    assertEquals((await watched.interrupt()).code, 130);
  });
}

Deno.test("--watch --keep-machines says at once that a script passed, and later what is wrong with its types", async () => {
  using watched = watching({ "test.ts": "machine.strat;" }, [
    ...["--watch", "--keep-machines", "--start-scripts", "./run-a-vm"],
  ]);
  await watched.told("test passed");
  await watched.told("waiting for a change");
  await watched.told("'strat' does not exist");
  watched.write("test.ts", "driver.signal.throwIfAborted();");
  await watched.told("test passed");
  // The second check may have been under way before the checker was warm.
  await retry(() => languageServers(watched.pid).length === 1);
  const [server] = languageServers(watched.pid);
  watched.write("test.ts", "machine.strat;");
  await watched.told("'strat' does not exist");
  assertEquals((await watched.interrupt()).code, 130);
  await retry(() => !isLanguageServer(server));
});

Deno.test("--watch --keep-machines says soon why a script failed, and later what is wrong with its types", async () => {
  using watched = watching(
    { "test.ts": 'machine.strat;\nthrow new RangeError("no");' },
    ["--watch", "--keep-machines", "--start-scripts", "./run-a-vm"],
  );
  await watched.told("RangeError: no");
  await watched.told("'strat' does not exist");
  assertEquals((await watched.interrupt()).code, 130);
});

Deno.test("--watch --keep-machines: a script that outlives its run can't use the machines any more", async () => {
  using watched = watching({
    "test.ts": `
      queueMicrotask(() => Promise.reject(new Error("lost")));
      while (!Deno.args.includes("go on")) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await machine.succeed("true").catch(({ message }) => console.log(message));`,
  }, [
    ...["--watch", "--keep-machines", "--no-check"],
    ...["--start-scripts", "./run-a-vm"],
  ]);
  await watched.told("Error: lost\n");
  await watched.told("waiting for a change");
  watched.write("test.ts", `Deno.args.push("go on");`);
  await watched.said("lost\n");
  assertEquals((await watched.interrupt()).code, 130);
});
