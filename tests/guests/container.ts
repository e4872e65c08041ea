import start from "./container/start.sh" with { type: "text" };
import { machineNumber, quoted } from "./start_script.ts";

/** How a container differs from others. */
export interface ContainerOptions {
  /** The VLAN in which it is as 192.168.v.n; none by default. */
  vlan?: number;
  /** What its address ends in; made of the name by default. */
  number?: number;
  /** Arguments for its systemd, as a kernel has parameters. */
  initArguments?: readonly string[];
}

/**
 * Writes the start script of a container of systemd, on the `/usr` of the
 * host; answers its path, which ends in `run-<name>-nspawn`.
 */
export function containerScript(
  directory: string,
  name: string,
  options: ContainerOptions = {},
): string {
  const { vlan, number = machineNumber(name), initArguments = [] } = options;
  const path = `${directory}/run-${name}-nspawn`;
  const words = [name, `${number}`, `${vlan ?? ""}`, ...initArguments];
  Deno.writeTextFileSync(
    path,
    `#!/bin/bash\nset -- ${words.map(quoted).join(" ")}\n${start}`,
    { mode: 0o755 },
  );
  return path;
}

/** Why containers can't be run here, if they can't: found by running one. */
export const noContainers: string | undefined = (() => {
  const root = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(`${root}/usr`);
    for (const name of ["lib", "lib64"]) {
      Deno.symlinkSync(`usr/${name}`, `${root}/${name}`);
    }
    const { success, stderr } = new Deno.Command("systemd-nspawn", {
      args: [
        ..."--quiet --private-network --private-users=no".split(" "),
        ..."--keep-unit --register=no --bind-ro=/usr".split(" "),
        `--directory=${root}`,
        "/usr/bin/true",
      ],
      stdin: "null",
    }).outputSync();
    if (success) return undefined;
    return new TextDecoder().decode(stderr).trim();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "there is no systemd-nspawn (Debian has it in systemd-container)";
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
})();
if (noContainers !== undefined) {
  console.log(`tests of containers: skipped, ${noContainers}`);
}
