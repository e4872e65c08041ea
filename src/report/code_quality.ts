import process from "node:process";
import { harmless } from "../scan/mod.ts";
import { absolute } from "../paths.ts";
import type { Listener, RunEvent } from "./event.ts";
import { failuresOf } from "./failures.ts";
import { RewrittenFile } from "./rewritten_file.ts";
import { shortened } from "./shortened.ts";

/** Characters of an explanation that are shown beside a line. */
const longest = 2000;

/** A finding as GitLab's reports on code quality have it. */
interface Finding {
  readonly description: string;
  readonly check_name: string;
  readonly fingerprint: string;
  readonly severity: "critical";
  readonly location: { path: string; lines: { begin: number } };
}

/**
 * Writes the failures of a run as a report on code quality, which GitLab shows
 * beside the lines of a merge request. A run that passes has no findings. A
 * failure without a known line is left out.
 */
export class CodeQualityListener implements Listener {
  /** See {@linkcode Listener.takesPlaces}. */
  readonly takesPlaces = false;
  readonly #file: RewrittenFile;
  readonly #projectDirectory: string;
  readonly #findings: Finding[] = [];
  #name = "VM test";

  /**
   * Writes the report's first version, without findings.
   *
   * @param path Path of the file.
   * @param options.projectDirectory The directory that paths of findings are
   * relative to. Failures in other files are left out.
   * @throws {Error} If the file can't be written.
   */
  constructor(path: string, options: { projectDirectory: string }) {
    this.#projectDirectory = absolute(options.projectDirectory);
    this.#file = new RewrittenFile(path, (path) => {
      Deno.writeTextFileSync(path, JSON.stringify(this.#findings, null, 2));
    });
  }

  /** See {@linkcode Listener.on}. */
  on(event: RunEvent): void {
    if (event.type === "runBegan") this.#name = event.name ?? this.#name;
    if (event.type !== "runEnded" || event.verdict === "interrupted") return;
    const { createHash } = process.getBuiltinModule("node:crypto");
    for (const { subtest, text, position } of failuresOf(event)) {
      const path = position && this.#relative(position.url);
      if (path === undefined) continue;
      this.#findings.push({
        description: shortened(harmless(text), longest),
        check_name: subtest === undefined
          ? "VM test"
          : `subtest ${shortened(harmless(subtest), 200)}`,
        // GitLab recognises new failures by it.
        fingerprint: createHash("sha256")
          .update(`${this.#name}\0${subtest ?? ""}\0${this.#findings.length}`)
          .digest("hex"),
        severity: "critical",
        location: { path, lines: { begin: position!.line } },
      });
    }
    this.#file.write();
  }

  #relative(url: string): string | undefined {
    const path = decodeURIComponent(new URL(url).pathname);
    const base = `${this.#projectDirectory}/`;
    return path.startsWith(base) ? path.slice(base.length) : undefined;
  }
}
