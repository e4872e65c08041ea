import { shellQuote } from "../../shell/mod.ts";
import { delay } from "../../time/mod.ts";
import type { Supervisor } from "../supervisor.ts";

/** Times that are tried to remove a group; then the guard has to do it. */
const TRIES = 100;

/**
 * Control groups for one container, beside those of the others.
 *
 * systemd-nspawn makes the groups of a container below the one that it is in
 * itself. Two that began in the same one would have the same groups, and each
 * one's systemd would take away what the other's has just made.
 */
export class ControlGroups {
  readonly #directories: string[] = [];
  readonly #supervisor: Supervisor;

  /** Makes a group in each hierarchy of systemd's that can be written to. */
  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
    const name = `vmwright-${crypto.randomUUID()}`;
    for (
      const parent of ownGroups(
        Deno.readTextFileSync("/proc/self/mountinfo"),
        Deno.readTextFileSync("/proc/self/cgroup"),
      )
    ) {
      const directory = `${parent}/${name}`;
      try {
        Deno.mkdirSync(directory);
      } catch {
        // Then there is only what the start script makes of it.
        continue;
      }
      supervisor.own(directory);
      this.#directories.push(directory);
    }
  }

  /** The commands by which a shell goes into them. */
  get entrance(): string {
    return this.#directories.map((directory) =>
      `echo $$ >${shellQuote(`${directory}/cgroup.procs`)}\n`
    ).join("");
  }

  /** Takes them away, with all groups in them, once nobody is in them. */
  async remove(): Promise<void> {
    for (const directory of this.#directories.splice(0)) {
      for (let tries = 0; tries < TRIES; tries++) {
        try {
          removeGroup(directory);
          this.#supervisor.disown(directory);
          break;
        } catch {
          // No event tells of the end of those who were killed.
          await delay(0.01);
        }
      }
    }
  }
}

/**
 * The directories of the groups that a process is in, of the hierarchies in
 * which systemd keeps track of processes.
 *
 * @param mounts `/proc/<pid>/mountinfo`, as proc(5) describes it.
 * @param groups `/proc/<pid>/cgroup`, as cgroups(7) does.
 */
export function ownGroups(mounts: string, groups: string): string[] {
  const found: string[] = [];
  for (const line of mounts.split("\n")) {
    const [, , , root, point] = line.split(" ");
    const [, type, , options = ""] = /^.* - (\S+) (\S+) (\S+)$/.exec(line) ??
      [];
    const isSystemd = type === "cgroup" &&
      options.split(",").includes("name=systemd");
    if (type !== "cgroup2" && !isSystemd) continue;
    const group = (isSystemd ? /^\d+:name=systemd:(.*)$/m : /^0::(.*)$/m)
      .exec(groups)?.[1];
    const base = root === "/" ? "" : root;
    if (group === undefined || !`${group}/`.startsWith(`${base}/`)) continue;
    found.push(point + group.slice(base.length).replace(/\/$/, ""));
  }
  return found;
}

/** Files in a group are the kernel's, and go with it. */
function removeGroup(directory: string): void {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) removeGroup(`${directory}/${name}`);
  }
  Deno.removeSync(directory);
}
