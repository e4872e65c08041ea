/**
 * The library is imported by URL, from a directory without any configuration
 * and with an empty cache, and asks for nothing but its own files.
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { guest } from "../guests/mod.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const TYPES: Record<string, string> = {
  js: "text/javascript",
  py: "text/plain",
  sh: "text/plain",
  ts: "application/typescript",
  wasm: "application/wasm",
};

Deno.test("mod.ts works by URL, with nothing around it", async () => {
  const tiny = await guest("tiny");
  const asked: string[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const path = new URL(request.url).pathname;
      asked.push(path);
      try {
        return new Response(await Deno.readFile(ROOT + path.slice(1)), {
          headers: {
            "content-type": TYPES[path.split(".").pop()!] ?? "text/plain",
          },
        });
      } catch {
        return new Response("not found", { status: 404 });
      }
    },
  );
  const place = await Deno.makeTempDir({ prefix: "by-url-" });
  try {
    await Deno.writeTextFile(
      `${place}/test.ts`,
      `import { Driver, Log, runTest } from "http://127.0.0.1:${server.addr.port}/mod.ts";
       const machines = [${JSON.stringify(tiny.startScript)}];
       {
         await using driver = await Driver.create({
           machines,
           outDir: "driver",
           log: new Log(),
         });
         const [machine] = driver.machines;
         console.log(await machine.succeed("echo from the guest"));
       }
       const { verdict, exitCode } = await runTest({
         machines,
         outDir: "run",
         junitXml: "junit.xml",
         async test({ machines: [machine] }) {
           await machine.fail("echo from the run; true");
         },
       });
       console.log(verdict, exitCode);`,
    );
    const { success, stdout, stderr } = await new Deno.Command(
      Deno.execPath(),
      {
        // npm is refused; what else is asked for, the server would hear of.
        args: [
          ...["run", "--allow-all", "--check", "--no-npm", "test.ts"],
        ],
        cwd: place,
        env: { DENO_DIR: `${place}/cache`, NO_COLOR: "1" },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      },
    ).output();
    const text = new TextDecoder();
    assertEquals(success, true, text.decode(stderr));
    assertEquals(text.decode(stdout), "from the guest\n\nfailed 1\n");
    assertMatch(text.decode(stderr), /^!!! test\.ts:\d+:\d+$/m);
    for (const report of ["junit.xml", "report.html"]) {
      assertStringIncludes(
        await Deno.readTextFile(`${place}/run/${report}`),
        "echo from the run",
      );
    }
    // Of deno.json, the library reads the version, as a module.
    const isOwn = /^\/(?:mod\.ts|deno\.json|src\/.*|wasm\/.*\.wasm)$/;
    assertEquals(asked.filter((path) => !isOwn.test(path)), []);
  } finally {
    await Deno.remove(place, { recursive: true });
  }
});
