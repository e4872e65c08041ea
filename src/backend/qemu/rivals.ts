import type { QmpClient } from "../../qmp/mod.ts";

interface Chardev {
  label: string;
  filename: string;
}

async function chardevsOf(qmp: QmpClient): Promise<Chardev[]> {
  return await qmp.send("query-chardev") as Chardev[];
}

function isSerialOnStdio({ label, filename }: Chardev): boolean {
  return /^serial\d+$/.test(label) && /^(stdio|mux)$/.test(filename);
}

/** Whether the guest has a serial port on QEMU's stdout. */
export async function hasSerialOnStdio(qmp: QmpClient): Promise<boolean> {
  return (await chardevsOf(qmp)).some(isSerialOnStdio);
}

/**
 * Lists, one sentence each, the serial ports and consoles of a start script
 * that come before the driver's own. Guests use the first one.
 */
export async function rivals(qmp: QmpClient): Promise<string[]> {
  const [chardevs, ...devices] = await Promise.all([
    chardevsOf(qmp),
    ...["/machine/peripheral", "/machine/peripheral-anon"].map((path) =>
      qmp.send("qom-list", { path }) as Promise<{ type: string }[]>
    ),
  ]);
  const found: string[] = [];
  const ours = chardevs.find(isSerialOnStdio);
  const first = chardevs.find(({ label }) => label === "serial0");
  if (first !== undefined && first.label !== ours?.label) {
    found.push(
      "the start script has a -serial of its own, which is the guest's first " +
        `serial port (${first.filename}): the driver does not see what the ` +
        "guest says there" +
        (ours === undefined ? "" : `, but reads its port ${ours.label}`),
    );
  }
  const consoles =
    devices.flat().filter(({ type }) => type === "child<virtconsole>").length;
  if (consoles > 1) {
    found.push(
      "the start script has a virtconsole of its own, which is /dev/hvc0 in a " +
        "Linux guest, where the shell is expected: the driver's is " +
        `/dev/hvc${consoles - 1}`,
    );
  }
  return found;
}
