/**
 * Builds `scanner.wasm` from the AssemblyScript sources beside this file. With
 * `--check` it writes nothing, and fails if the committed module differs from
 * the build by a byte. With `--text FILE` it also writes the module as
 * WebAssembly text, to read the compiler's output.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import asc from "assemblyscript/asc";

const folder = new URL("./scanner/", import.meta.url);
const target = new URL("./scanner.wasm", import.meta.url);

const options = [
  "--optimizeLevel=3",
  "--shrinkLevel=0",
  "--noAssert",
  // This takes the allocator TLSF alone. The sources use no managed objects, so
  // the compiler drops the collector as dead code.
  "--runtime=minimal",
  // A broken invariant traps. The module imports nothing that could print a
  // reason.
  "--use=abort=",
  "--enable=simd",
  "--enable=relaxed-simd",
];

async function build(): Promise<{ module: Uint8Array; text: string }> {
  let module: Uint8Array | undefined;
  let text = "";
  const { error, stderr } = await asc.main(
    ["mod.ts", "--outFile=scanner.wasm", "--textFile=scanner.wat", ...options],
    {
      readFile(name: string): string | null {
        if (name.startsWith("node_modules/") || name === "asconfig.json") {
          return null;
        }
        try {
          return Deno.readTextFileSync(new URL(name, folder));
        } catch (error) {
          if (error instanceof Deno.errors.NotFound) return null;
          throw error;
        }
      },
      writeFile(name: string, contents: Uint8Array | string): void {
        if (typeof contents === "string") text = contents;
        else if (name.endsWith(".wasm")) module = contents;
      },
      listFiles: () => [],
    },
  );
  const said = stderr.toString();
  if (error || module === undefined) {
    console.error(said);
    throw new Error("Expected the sources to compile", { cause: error });
  }
  if (said) console.error(said);
  return { module, text };
}

if (import.meta.main) {
  const { check, text: textFile } = parseArgs(Deno.args, {
    boolean: ["check"],
    string: ["text"],
    unknown: (argument) => {
      console.error(`expected --check or --text FILE, got ${argument}`);
      Deno.exit(2);
    },
  });
  const { module, text } = await build();
  if (textFile !== undefined) await Deno.writeTextFile(textFile, text);
  if (check) {
    const committed = await Deno.readFile(target);
    const differs = module.length !== committed.length ||
      module.some((byte, at) => byte !== committed[at]);
    if (differs) {
      console.error(
        "Expected wasm/scanner.wasm to be what its sources build, but it differs: run `deno task build`",
      );
      Deno.exit(1);
    }
  } else {
    await Deno.writeFile(target, module);
    console.log(`wasm/scanner.wasm: ${module.length} bytes`);
  }
}
