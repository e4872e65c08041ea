import { cached, type Told } from "../guests/cache.ts";
import { run } from "../guests/run.ts";

/** The Debian release that has it. */
const suite = "forky";

/**
 * The words that start the real `vhost-device-vsock`, from the Debian release
 * that has it, with that release's libraries; fetched if need be.
 */
export async function vhostDeviceVsock(told?: Told): Promise<string> {
  const directory = await cached(
    { name: "vhost-device-vsock", ingredients: { format: 1, suite } },
    build,
    told,
  );
  return `${directory}/usr/lib64/ld-linux-x86-64.so.2 --library-path ` +
    `${directory}/usr/lib/x86_64-linux-gnu ` +
    `${directory}/usr/bin/vhost-device-vsock`;
}

async function build(directory: string): Promise<void> {
  const archive = `${directory}/packages.tar`;
  await run("mmdebstrap", [
    "--quiet",
    "--variant=extract",
    "--format=tar",
    "--include=vhost-device-vsock",
    // A mirror of a release that is being made may be some weeks old.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    suite,
    archive,
  ]);
  await run("tar", [
    "--extract",
    "--no-same-owner",
    `--file=${archive}`,
    `--directory=${directory}`,
    "./usr/bin/vhost-device-vsock",
    "./usr/lib/x86_64-linux-gnu",
    "./usr/lib64",
  ]);
  await Deno.remove(archive);
}
