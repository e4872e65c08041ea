import { temporaryBase } from "../driver/temporary.ts";

/** A directory that a check works in. */
export interface CheckDirectory extends Disposable {
  /** Where it is. */
  readonly path: string;
  /** Leaves the removal to somebody else. */
  handOver(): void;
}

/**
 * Makes a directory whose path depends on nothing but the text that the check reads
 * there, so that `deno` knows again what it has found to be right.
 *
 * @param text The text.
 * @returns The directory.
 */
export async function makeCheckDirectory(
  text: string,
): Promise<CheckDirectory> {
  const bytes = new TextEncoder().encode(text);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const hash = new Uint8Array(digest).slice(0, 8).toHex();
  const parent = temporaryBase();
  let path = `${parent}/vmwright-types-${hash}`;
  try {
    // Fails where there is one, of a check that runs at the same time or of
    // somebody else: then this check does without being known again.
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    path = await Deno.makeTempDir({ dir: parent, prefix: "vmwright-types-" });
  }
  let isOurs = true;
  return {
    path,
    handOver() {
      isOurs = false;
    },
    [Symbol.dispose]() {
      // Who it was handed to may have removed it, and another check made it anew.
      if (!isOurs) return;
      try {
        Deno.removeSync(path, { recursive: true });
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}
