/**
 * The `XDG_RUNTIME_DIR` of runs that check types: one for all of this process.
 * A check there takes a third of the processor after the first one, because
 * `deno` recognises declarations by their path.
 */
export const runtimeDirectory: string = Deno.makeTempDirSync({
  prefix: "vmwright-test-",
});
addEventListener("unload", () => {
  Deno.removeSync(runtimeDirectory, { recursive: true });
});
