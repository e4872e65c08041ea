/**
 * Where JSR can be reached, one line of CONTRIBUTING.md switches the project to
 * it. The JSR here is a server on loopback that has the same sources.
 */
import { assert, assertEquals } from "@std/assert";
import { temporaryDirectory } from "./cli/vmwright.ts";

const root = new URL("../", import.meta.url).pathname;
/** The directory of the packages' sources, one directory each. */
const sources = dirname(dirname(import.meta.resolve("@std/assert")));
const VERSION = "1.0.0";

function dirname(url: string): string {
  return url.slice(0, url.lastIndexOf("/"));
}

/** All modules of the packages, with their checks. */
async function manifest(directory: string) {
  const files: Record<string, { size: number; checksum: string }> = {};
  for (const name of ["assert", "cli", "internal", "streams", "bytes"]) {
    for (const entry of walk(`${directory}/${name}`)) {
      const bytes = await Deno.readFile(entry);
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      files[entry.slice(directory.length)] = {
        size: bytes.length,
        checksum: `sha256-${hash.toHex()}`,
      };
    }
  }
  return files;
}

function* walk(directory: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) yield* walk(`${directory}/${name}`);
    else if (name.endsWith(".js")) yield `${directory}/${name}`;
  }
}

const isNpm = sources.startsWith("file:///");
if (!isNpm) console.log("ignored: the project uses JSR already");
Deno.test(
  "One line of CONTRIBUTING.md switches deno.json to JSR",
  { ignore: !isNpm },
  async () => {
    const directory = new URL(sources).pathname;
    const contributing = await Deno.readTextFile(`${root}CONTRIBUTING.md`);
    const line = /^sed -i .*deno\.json$/m.exec(contributing)?.[0];
    assert(line !== undefined);
    const files = await manifest(directory);
    await using jsr = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        const [scope, name, ...path] = pathname.slice(1).split("/");
        if (path[0] === "meta.json") {
          return Response.json({
            scope,
            name,
            latest: VERSION,
            versions: { [VERSION]: {} },
          });
        }
        if (path[0] === `${VERSION}_meta.json`) {
          return Response.json({
            manifest: files,
            exports: {
              ".": `./${name}/mod.js`,
              "./parse-args": "./cli/parse_args.js",
            },
          });
        }
        return new Response(
          await Deno.readFile(`${directory}/${path.slice(1).join("/")}`),
          { headers: { "content-type": "text/javascript" } },
        );
      },
    );
    using place = temporaryDirectory({
      "deno.json": await Deno.readTextFile(`${root}deno.json`),
      "wasm/deno.json": await Deno.readTextFile(`${root}wasm/deno.json`),
      "src/std.d.ts": await Deno.readTextFile(`${root}src/std.d.ts`),
      "main.ts": `
        import { assertEquals } from "@std/assert";
        import { parseArgs } from "@std/cli/parse-args";
        import { toText } from "@std/streams";
        const { a } = parseArgs(["--a"], { boolean: ["a"] });
        assertEquals(a, true);
        console.log(await toText(new Blob(["from JSR"]).stream()));`,
    });
    const run = async (command: string, ...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command(command, {
        args,
        cwd: place.path,
        env: {
          DENO_DIR: `${place.path}/cache`,
          JSR_URL: `http://127.0.0.1:${jsr.addr.port}/`,
          NO_COLOR: "1",
        },
        stdin: "null",
      }).output();
      const text = new TextDecoder();
      assertEquals(code, 0, text.decode(stderr));
      return text.decode(stdout);
    };
    await run("sh", "-c", line);
    for (const file of ["deno.json", "wasm/deno.json"]) {
      const { imports } = JSON.parse(
        await Deno.readTextFile(`${place.path}/${file}`),
      );
      for (const [name, target] of Object.entries<string>(imports)) {
        if (name.startsWith("@std/")) {
          assertEquals(target.replace("@1", ""), `jsr:${name}`);
        }
      }
    }
    assertEquals(
      await run(Deno.execPath(), "run", "--check", "--no-npm", "main.ts"),
      "from JSR\n",
    );
  },
);
