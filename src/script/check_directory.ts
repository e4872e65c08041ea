import type { Supervisor } from "../backend/mod.ts";
import { temporaryBase } from "../driver/temporary.ts";

/**
 * Makes a directory whose path depends on nothing but the text that the check reads
 * there, so that `deno` knows again what it has found to be right.
 *
 * @param text The text.
 * @param owner Removes it in the end, whatever end that is.
 * @returns The directory.
 */
export async function makeCheckDirectory(
  text: string,
  owner: Supervisor,
): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const hash = new Uint8Array(digest).slice(0, 8).toHex();
  const parent = temporaryBase();
  const path = `${parent}/vmwright-types-${hash}`;
  try {
    // Fails where there is one, of a check that runs at the same time or of
    // somebody else: then this check does without being known again.
    Deno.mkdirSync(path, { mode: 0o700 });
    owner.own(path);
    return path;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    return owner.makeDirectory(parent, "vmwright-types-");
  }
}
