/**
 * How fast a microVM is beside QEMU on KVM, and the driver beside a client of
 * ten lines on the same socket. `deno task lab tests/lab/microvm.ts` runs it.
 */
import { assertEquals } from "@std/assert";
import { type BaseMachine, Driver, Log } from "../../mod.ts";
import { writeAll } from "../../src/stream/mod.ts";
import { delay } from "../../src/time/mod.ts";
import { trials } from "../machine/backends.ts";

/** How often each is measured. */
const TIMES = Number(Deno.env.get("VMWRIGHT_LAB_STARTS") ?? 3);
/** Bytes of a large output. */
const LARGE = 20_000_000;

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Tells a figure in a line that the lab looks for. */
function tell(text: string): void {
  console.log(`measured: ${text}`);
}

async function seconds(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return (performance.now() - began) / 1000;
}

/** What a client without a driver does: it asks until it is answered. */
async function raw(path: string, command: string, bytes: number) {
  while (true) {
    try {
      using socket = await Deno.connect({ transport: "unix", path });
      await writeAll(socket, new TextEncoder().encode("CONNECT 1234\n"));
      const buffer = new Uint8Array(1 << 16);
      if (await socket.read(buffer) !== null) {
        await writeAll(socket, new TextEncoder().encode(`${command}\n`));
        let count = 0;
        while (count < bytes) count += await socket.read(buffer) ?? bytes;
        return;
      }
    } catch {
      // Nobody listens yet.
    }
    await delay(0.05);
  }
}

for (const trial of trials) {
  Deno.test(`figures of ${trial.by}`, async () => {
    const directory = await Deno.makeTempDir();
    try {
      const command = await trial.startCommand("web", directory);
      await using driver = await Driver.create({
        machines: [command],
        outDir: `${directory}/out`,
        log: new Log([]),
      });
      const [machine]: BaseMachine[] = driver.machines;
      const boots: number[] = [], raws: number[] = [];
      const large: number[] = [], rawLarge: number[] = [];
      const socket = `${machine.stateDir}/fc-vsock`;
      const head = `head -c ${LARGE} /dev/zero | tr '\\0' x`;
      for (let n = 0; n < TIMES; n++) {
        boots.push(await seconds(() => machine.succeed("true")));
        large.push(
          await seconds(async () => {
            assertEquals((await machine.succeed(head)).length, LARGE);
          }),
        );
        if (trial.backend === "firecracker") {
          rawLarge.push(await seconds(() => raw(socket, head, LARGE)));
        }
        await machine.crash();
        if (trial.backend !== "firecracker") continue;
        raws.push(
          await seconds(async () => {
            await machine.start();
            await raw(socket, "echo on", 3);
          }),
        );
        await machine.crash();
      }
      const figures = (values: number[]) =>
        `median ${median(values).toFixed(2)} of ${
          values.map((one) => one.toFixed(2)).join(", ")
        }`;
      const { by } = trial;
      tell(`${by}: seconds from start to first answer: ${figures(boots)}`);
      tell(`${by}: seconds for 20 MB: ${figures(large)}`);
      if (raws.length > 0) {
        tell(`${by}, raw client: seconds to first answer: ${figures(raws)}`);
        tell(`${by}, raw client: seconds for 20 MB: ${figures(rawLarge)}`);
      }
      await machine.connect();
      for (const [what, line] of [["builtin", "true"], ["fork", "(:)"]]) {
        const took: number[] = [];
        for (let n = 0; n < 100; n++) {
          took.push(1000 * await seconds(() => machine.succeed(line)));
        }
        tell(
          `${by}: ms of a ${what}: median ${median(took).toFixed(1)} of 100`,
        );
      }
      const off = await seconds(() => machine.shutdown());
      tell(`${by}: seconds of shutdown(): ${off.toFixed(2)}`);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}
