import { shellQuote } from "../../shell/mod.ts";
import { delay } from "../../time/mod.ts";
import type { Supervisor } from "../supervisor.ts";

/**
 * How often the driver tries to remove a group, before it leaves that to the
 * guard.
 */
const TRIES = 100;

/**
 * Control groups for one container, beside those of the others.
 *
 * systemd-nspawn makes the groups of a container below its own group. If two of
 * them started in the same group, their containers would share groups, and the
 * systemd of each would remove groups that the other has just made.
 */
export class ControlGroups {
  readonly #directories: string[] = [];
  readonly #supervisor: Supervisor;

  /**
   * Makes a group in each of systemd's hierarchies that the driver may write
   * to.
   */
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
        // Then the container gets the groups that the start script makes.
        continue;
      }
      supervisor.own(directory);
      this.#directories.push(directory);
    }
  }

  /** The commands that move a shell into them. */
  get entrance(): string {
    return this.#directories.map((directory) =>
      `echo $$ >${shellQuote(`${directory}/cgroup.procs`)}\n`
    ).join("");
  }

  /**
   * Removes them with all groups in them, as soon as they have no processes.
   */
  async remove(): Promise<void> {
    for (const directory of this.#directories.splice(0)) {
      for (let tries = 0; tries < TRIES; tries++) {
        try {
          removeGroup(directory);
          this.#supervisor.disown(directory);
          break;
        } catch {
          // There is no event for the end of the processes that were killed.
          await delay(0.01);
        }
      }
    }
  }
}

/**
 * The directories of a process' groups, in the hierarchies in which systemd
 * tracks processes.
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

/** The files in a group are the kernel's, and disappear with it. */
function removeGroup(directory: string): void {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) removeGroup(`${directory}/${name}`);
  }
  Deno.removeSync(directory);
}
