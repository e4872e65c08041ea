import type { Supervisor } from "../backend/mod.ts";
import { temporaryBase } from "../driver/temporary.ts";

/**
 * Makes a directory whose path depends only on the text that the check reads
 * there. So `deno` recognises a text that it has checked before.
 *
 * @param text The text.
 * @param owner Removes the directory at the end, whatever that is.
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
  // Another check may use the directory at the same time, or another user may
  // have made it. Then the check works in another directory, and `deno` does not
  // recognise the text.
  if (isThere(path)) return owner.makeDirectory(parent, "vmwright-types-");
  // Before it is made, as the run may be killed in between.
  owner.own(path);
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
    return path;
  } catch (error) {
    owner.disown(path);
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    return owner.makeDirectory(parent, "vmwright-types-");
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
