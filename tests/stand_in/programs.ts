import { quoted } from "../guests/start_script.ts";
import { vhostDeviceVsock } from "./vhost_device_vsock.ts";

/** The hypervisors that have a stand-in. */
export type StandInName = "firecracker" | "cloud-hypervisor";

/**
 * Writes a program that stands in for a hypervisor, with its name, into a
 * directory.
 *
 * @returns Its path.
 */
export async function standIn(
  name: StandInName,
  directory: string,
): Promise<string> {
  const file = new URL(`./${name.replace("-", "_")}.ts`, import.meta.url);
  const config = new URL("../../deno.json", import.meta.url);
  const path = `${directory}/${name}`;
  await Deno.writeTextFile(
    path,
    `#!/bin/sh
export VMWRIGHT_VHOST_DEVICE_VSOCK=${quoted(await vhostDeviceVsock())}
export NO_COLOR=1
exec ${quoted(Deno.execPath())} run --quiet -A --no-check \\
  --config ${quoted(config.pathname)} ${quoted(file.pathname)} "$@"
`,
    { mode: 0o755 },
  );
  return path;
}
