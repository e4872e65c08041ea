import { Driver, Log } from "../../mod.ts";
import { guest, type GuestName } from "../guests/mod.ts";

let known: Promise<Uint8Array> | undefined;

/** What a boot of `tiny`, then one of `debian` print on their consoles, as raw bytes. */
export function bootLog(): Promise<Uint8Array> {
  return known ??= record(["tiny", "debian"]);
}

async function record(names: GuestName[]): Promise<Uint8Array> {
  const directory = await Deno.makeTempDir({ prefix: "vmwright-bench-" });
  const log = new Log([]);
  try {
    const scripts = await Promise.all(names.map((name) => guest(name)));
    const driver = await Driver.create({
      machines: scripts.map(({ startScript }) => startScript),
      outDir: directory,
      log,
    });
    try {
      for (const machine of driver.machines) await machine.connect();
    } finally {
      await driver[Symbol.asyncDispose]();
    }
    const logs = await Promise.all(
      driver.machines.map(({ name }) =>
        Deno.readFile(`${directory}/${name}.log`)
      ),
    );
    return new Uint8Array(await new Blob(logs).arrayBuffer());
  } finally {
    await log.close();
    await Deno.remove(directory, { recursive: true });
  }
}
