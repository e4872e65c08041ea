/** The console log of a guest's boot, as raw bytes. */
export async function bootLog(): Promise<Uint8Array> {
  return await Deno.readFile("/tmp/out/tiny.log");
}
