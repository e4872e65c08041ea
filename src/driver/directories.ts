import {
  ownDirectory,
  type Supervisor,
  unclaimedDirectory,
} from "../backend/mod.ts";
import { fileName } from "../machine/file_name.ts";
import { UsageError } from "../errors.ts";
import { temporaryBase } from "./temporary.ts";

/**
 * The directories of a run for the machines' files, below `XDG_RUNTIME_DIR` or
 * else below the temporary directory.
 */
export interface RunDirectories {
  /** Holds all of them. */
  readonly root: string;
  /** For the networks' sockets, which are never kept. */
  readonly sockets: string;
  /** The directory that all machines share with the host. */
  readonly shared: string;
  /** The directory of a machine; with `keep`, one that outlives the run. */
  state(machine: string, keep?: boolean): string;
}

/**
 * Makes a run's directories, for its owner alone. The end of the run removes
 * them, unless their contents are to be kept. Then they are where the next run
 * with the same option finds them.
 *
 * @throws {UsageError} if the place is not writable, or if other users can
 * change kept files there.
 */
export function makeRunDirectories(
  keep: boolean,
  supervisor: Supervisor,
): RunDirectories {
  const base = temporaryBase();
  try {
    const own = supervisor.makeDirectory(base, "vmwright-");
    const root = keep ? base : own;
    // A guest may give the shared directory any mode, and programs in it the
    // rights of this user. So nobody else may come there.
    const around = keep ? `${base}/vmwright-shared` : own;
    ownDirectory(around);
    Deno.chmodSync(around, 0o700);
    const shared = `${around}/shared-xchg`;
    Deno.mkdirSync(shared, { recursive: true, mode: 0o700 });
    return {
      root,
      sockets: own,
      shared,
      state: (machine, keepThis = keep) =>
        `${keepThis ? base : root}/vm-state-${fileName(machine)}`,
    };
  } catch (error) {
    if (!(error instanceof Error) || error instanceof UsageError) throw error;
    throw new UsageError(
      `Expected a writable directory for the machines' state in ` +
        `XDG_RUNTIME_DIR or TMPDIR, got ${base}: ${error.message}`,
    );
  }
}

/**
 * Makes the output directory, whose files outlive the run.
 *
 * @param path The path; if nothing is given, a new directory is made.
 * @returns Its path.
 * @throws {UsageError} if it can't be made, or if another user has made it in a
 * place where everybody may write.
 */
export async function makeOutDirectory(path?: string): Promise<string> {
  if (path === undefined) {
    return await Deno.makeTempDir({ prefix: "vmwright-out-" });
  }
  try {
    unclaimedDirectory(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `Expected a directory for files at ${path}, which can't be made: ${
        (error as Error).message
      }`,
    );
  }
  return path;
}
