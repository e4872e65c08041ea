import { cached } from "./cache.ts";
import { run } from "./run.ts";

const EXAMPLE = new URL("../../examples/microvm/", import.meta.url).pathname;

/** The directory of what the examples' `build.sh` makes, which is made once. */
export async function microvmExample(): Promise<string> {
  const texts: Record<string, string> = {};
  for (const name of ["build.sh", "vsock-shell", "vsock-shell.service"]) {
    texts[name] = await Deno.readTextFile(`${EXAMPLE}${name}`);
  }
  return await cached(
    { name: "microvm-example", ingredients: { format: 1, texts } },
    async (directory) => {
      await run("sh", [`${EXAMPLE}build.sh`, directory]);
    },
  );
}
