import { TestFailure, UsageError } from "../errors.ts";
import { shellQuote } from "../shell/mod.ts";
import { demand } from "./commands/demand.ts";
import { decode } from "./commands/output.ts";
import type { MachineCore } from "./core.ts";
import type { Fault } from "./faults.ts";

/** Seconds that the file may take. */
const TIMEOUT = 600;

/**
 * Fills a file system of a guest with a file.
 *
 * @param path A directory on it.
 */
export async function fillDisk(
  core: MachineCore,
  path: string,
): Promise<Fault> {
  if (typeof path !== "string" || !path.startsWith("/")) {
    throw new UsageError(
      "Expected the absolute path of a directory of the guest to fill its file " +
        `system, got ${Deno.inspect(path)}`,
    );
  }
  await core.ready();
  core.capability("fileSystems", "fillDisk()");
  const file = `${path.replace(/\/+$/, "")}/.full-${crypto.randomUUID()}`;
  const quoted = shellQuote(file);
  const { status, stdout } = await core.run(
    `read -r all free size < <(stat -f -c '%b %f %S' ${shellQuote(path)}) &&
    if [ "$all" -eq 0 ]; then echo "its size has no limit"; false; fi &&
    : > ${quoted} &&
    { fallocate -l $((free * size)) ${quoted} || :
      cat /dev/zero >> ${quoted} || :; } 2>/dev/null`,
    { stderr: "merge", timeout: TIMEOUT },
  );
  if (status !== 0) {
    throw new TestFailure(
      `the file system of ${path} in ${core.name} can't be filled: ${
        decode(stdout).trim() || `status ${status}`
      }`,
    );
  }
  return core.faults.begin({
    text: `file system of ${path} full`,
    machine: core.label,
    async undo() {
      if (core.connected) await demand(core, `rm -f ${quoted}`);
    },
  });
}
