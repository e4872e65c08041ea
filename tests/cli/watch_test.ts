import { assertEquals, assertStringIncludes } from "@std/assert";
import { temporaryDirectory, vmwrightCommand } from "./vmwright.ts";

/** Watches a script that starts no machine. */
function watching(files: Record<string, string>) {
  const directory = temporaryDirectory({
    "run-a-vm": "#!/bin/sh\n",
    "out/x": "",
    ...files,
  });
  const child = vmwrightCommand([
    ...["--watch", "--no-check", "-o", "out", "--no-html"],
    ...["--start-scripts", "./run-a-vm", "--", "test.ts"],
  ], { cwd: directory.path, env: { XDG_RUNTIME_DIR: directory.path } })
    .spawn();
  const stderr = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    write: (name: string, contents: string) =>
      Deno.writeTextFileSync(`${directory.path}/${name}`, contents),
    /** Waits until the script has said something. */
    async said(part: string) {
      while (!text.includes(part)) {
        const { value, done } = await lines.read();
        if (done) {
          throw new Error(`expected ${part}, got ${text}${await stderr}`);
        }
        text += value;
      }
      text = text.slice(text.indexOf(part) + part.length);
    },
    async interrupt() {
      child.kill("SIGINT");
      const { code } = await child.status;
      await lines.cancel();
      return { code, stderr: await stderr };
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

Deno.test("--watch goes on after a failure", async () => {
  using watched = watching({
    "test.ts": `console.log("bad"); throw new Error("broken");`,
  });
  await watched.said("bad\n");
  watched.write("test.ts", `console.log("good");`);
  await watched.said("good\n");
  const { stderr } = await watched.interrupt();
  assertStringIncludes(stderr, "!!! Error: broken\n");
  assertStringIncludes(stderr, "test passed");
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
