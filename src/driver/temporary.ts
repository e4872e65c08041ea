import { UsageError } from "../errors.ts";
import { absolute } from "../paths.ts";

/**
 * The directory for what does not outlive a run: `XDG_RUNTIME_DIR`, else
 * `TMPDIR`, else `/tmp`. It is made where it is missing.
 *
 * @returns Its absolute path.
 * @throws {UsageError} where there can't be such a directory.
 */
export function temporaryBase(): string {
  const given = Deno.env.get("XDG_RUNTIME_DIR") || Deno.env.get("TMPDIR") ||
    "/tmp";
  // Start scripts run in directories of their own.
  const path = absolute(given);
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  } catch (error) {
    throw new UsageError(
      `Expected a directory in XDG_RUNTIME_DIR or TMPDIR, got ${given}: ${
        (error as Error).message
      }`,
    );
  }
}
