import { unclaimedDirectory } from "../backend/mod.ts";
import { UsageError } from "../errors.ts";
import { RewrittenFile } from "../report/rewritten_file.ts";
import { clearAttempt } from "./attempt_files.ts";
import { readResults, RESULTS_FILE, type SuiteResults } from "./results.ts";

/** The file whose lock says that a suite uses the directory. */
const LOCK_FILE = ".lock";

/** The directory that holds the results of a suite, which no other suite uses. */
export class ResultsDirectory implements Disposable {
  /** Its absolute path. */
  readonly path: string;
  readonly #lock: Deno.FsFile;
  readonly #file: RewrittenFile;
  #results: () => SuiteResults;

  /**
   * Takes a directory, and removes what an earlier suite has left in it.
   *
   * @param path Its absolute path.
   * @param results Gets the results of the suite so far.
   * @throws {UsageError} if another suite uses it, or if it can't be made.
   */
  constructor(path: string, results: () => SuiteResults) {
    this.path = path;
    this.#results = results;
    try {
      unclaimedDirectory(path);
      this.#lock = Deno.openSync(`${path}/${LOCK_FILE}`, {
        write: true,
        create: true,
      });
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(
        `Expected a directory for results at ${path}: ${
          (error as Error).message
        }`,
      );
    }
    // The lock ends with the process, whatever its end.
    if (!this.#lock.tryLockSync(true)) {
      this.#lock.close();
      throw new UsageError(
        `another suite writes its results to ${path}; name another directory with -o`,
      );
    }
    removeResults(path);
    this.#file = new RewrittenFile(`${path}/${RESULTS_FILE}`, (fresh) => {
      Deno.writeTextFileSync(
        fresh,
        `${JSON.stringify(this.#results(), null, 1)}\n`,
      );
    });
  }

  /** Something has changed. */
  touch(): void {
    this.#file.touch();
  }

  /** Writes the results of the suite so far. */
  write(): void {
    this.#file.write();
  }

  /** Releases the directory. */
  [Symbol.dispose](): void {
    this.#lock.close();
  }
}

/** Removes what the attempts of an earlier suite have left. */
function removeResults(path: string): void {
  let last: SuiteResults | undefined;
  try {
    last = readResults(path);
  } catch (error) {
    // Nobody may lose a file of another program.
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message}; name another directory with -o`);
  }
  for (const { attempts } of last?.tests ?? []) {
    for (const { directory } of attempts) {
      // The file may hold anything.
      if (!/^tests\/[^/]+\/\d+$/.test(directory ?? "")) continue;
      const own = `${path}/${directory}`;
      if (!clearAttempt(own)) continue;
      try {
        Deno.removeSync(own.replace(/\/\d+$/, ""));
      } catch {
        // There are other attempts.
      }
    }
  }
}
