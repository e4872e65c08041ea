import { UsageError } from "../errors.ts";
import { absolute } from "../paths.ts";

/**
 * The directory for files that do not outlive a run: `XDG_RUNTIME_DIR`, or else
 * `TMPDIR`, or else `/tmp`. It is made if it is missing.
 *
 * @returns Its absolute path.
 * @throws {UsageError} if it can't be made.
 */
export function temporaryBase(): string {
  const given = Deno.env.get("XDG_RUNTIME_DIR") || Deno.env.get("TMPDIR") ||
    "/tmp";
  // The path has to be absolute, because start scripts run in other
  // directories.
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
