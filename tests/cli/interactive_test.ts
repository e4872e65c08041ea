import { assertEquals, assertStringIncludes } from "@std/assert";
import { toText } from "@std/streams";
import { temporaryDirectory, vmwrightCommand } from "./vmwright.ts";

/** Gives lines to a prompt by a pipe, one after the other. */
async function prompted(
  files: Record<string, string>,
  lines: string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  using directory = temporaryDirectory({
    "run-web-vm": "#!/bin/sh\n",
    "out/x": "",
    ...files,
  });
  const command = vmwrightCommand([
    ...["--interactive", "--start-scripts", "./run-web-vm"],
    ...["-o", "out", "--no-html", ...Object.keys(files)],
  ], {
    cwd: directory.path,
    env: { XDG_RUNTIME_DIR: directory.path },
    stdin: "piped",
  });
  await using child = command.spawn();
  const output = Promise.all([
    slowly(child.stdout),
    toText(child.stderr),
  ]);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(lines.join("\n")));
  await writer.close();
  const [stdout, stderr] = await output;
  return { code: (await child.status).code, stdout, stderr };
}

/** Reads as a pager may do it, not as fast as the program could write. */
async function slowly(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return text;
}

Deno.test("testScript() at the prompt runs the present script each time", async () => {
  const { code, stdout, stderr } = await prompted(
    { "test.ts": `throw new Error("old");` },
    [
      "testScript()",
      `Deno.writeTextFileSync("test.ts", "console.log('new');")`,
      "testScript()",
      "testScript()",
    ],
  );
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "Error: old");
  assertEquals(stdout.match(/new\n/g)?.length, 2, stdout);
  assertEquals(stdout.match(/Error: old/g)?.length, 1, stdout);
});

Deno.test("the last results reach a pipe, also before Deno.exit", async () => {
  for (const end of ["", "Deno.exit(3)"]) {
    const { code, stdout } = await prompted({}, [`"x\\n".repeat(5e5)`, end]);
    assertEquals([code, stdout.length], [end === "" ? 0 : 3, 1_000_000]);
  }
});

Deno.test("a statement whose promise rejects ends nothing", async () => {
  const { code, stdout } = await prompted({}, [
    `Promise.reject(new Error("no"));`,
    "6 * 7",
  ]);
  assertEquals([code, stdout], [0, "Error: no\n42\n"]);
});
