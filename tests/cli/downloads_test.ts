/**
 * A user who runs a test downloads the assertions, and no compiler: only the
 * build of the scanner needs one.
 */
import { assertEquals, assertNotEquals } from "@std/assert";
import { temporaryDirectory } from "./vmwright.ts";

const program = new URL("../../cli.ts", import.meta.url).pathname;

/** The packages that a command asks a registry for, with an empty cache. */
async function packagesAskedBy(args: string[]): Promise<Set<string>> {
  const asked = new Set<string>();
  await using registry = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      asked.add(new URL(request.url).pathname.split("/")[1]);
      return new Response("not found", { status: 404 });
    },
  );
  using cache = temporaryDirectory();
  await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program, ...args],
    cwd: cache.path,
    env: {
      DENO_DIR: cache.path,
      NPM_CONFIG_REGISTRY: `http://127.0.0.1:${registry.addr.port}`,
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return asked;
}

for (
  const args of [
    ["--help"],
    ["types", "--start-scripts", "./run-web-vm"],
    ["eval", "--no-html", "console.log(1)"],
  ]
) {
  Deno.test(`${args[0]} downloads no package but that of the assertions`, async () => {
    const asked = await packagesAskedBy(args);
    assertNotEquals(asked, new Set(), "nothing reached the registry");
    assertEquals(asked, new Set(["deno-std"]));
  });
}
