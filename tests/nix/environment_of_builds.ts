import { bundled } from "../bundled.ts";

/**
 * The variables with which Nix builds a vmwright that runs from the checkout.
 *
 * @param programs Directories of programs that builds find, beside the host's.
 */
export async function environmentOfBuilds(
  programs: readonly string[] = [],
): Promise<Record<string, string>> {
  const info = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  return {
    VMWRIGHT_TEST_PATH: [
      Deno.execPath().replace(/\/[^/]*$/, ""),
      ...programs,
      Deno.env.get("PATH"),
    ].join(":"),
    VMWRIGHT_TEST_BUNDLE: await bundled(),
    VMWRIGHT_TEST_DENO: Deno.execPath(),
    VMWRIGHT_TEST_DENO_DIR:
      JSON.parse(new TextDecoder().decode(info.stdout)).denoDir,
  };
}
