import {
  ownDirectory,
  type Supervisor,
  unclaimedDirectory,
} from "../backend/mod.ts";
import { fileName } from "../machine/file_name.ts";
import { UsageError } from "../errors.ts";
import { temporaryBase } from "./temporary.ts";

/**
 * Where a run keeps the machines' files: below `XDG_RUNTIME_DIR`, else below
 * the temporary directory.
 */
export interface RunDirectories {
  /** Holds all of them. */
  readonly root: string;
  /** Where the networks' sockets go, which are never kept. */
  readonly sockets: string;
  /** The directory that all machines share with the host. */
  readonly shared: string;
  /** A machine's own directory; one that outlives the run where asked. */
  state(machine: string, keep?: boolean): string;
}

/**
 * Makes a run's directories, for its owner alone. They are removed with the
 * run, unless their contents are to be kept: then they lie at the place where
 * the next run that keeps them finds them.
 *
 * @throws {UsageError} where the place can't be written to, or others can change
 * what is kept there.
 */
export function makeRunDirectories(
  keep: boolean,
  supervisor: Supervisor,
): RunDirectories {
  const base = temporaryBase();
  try {
    const own = supervisor.makeDirectory(base, "vmwright-");
    const root = keep ? base : own;
    const shared = `${root}/shared-xchg`;
    ownDirectory(shared);
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
 * Makes the directory of the files that outlive a run.
 *
 * @param path Where; a new place by default.
 * @returns Where it is.
 * @throws {UsageError} where it can't be made, or another user has made it in a
 * place where everybody may do that.
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
