/**
 * What machines of Firecracker, Cloud Hypervisor and QEMU on KVM take, all with
 * the guest `micro`, and what a client of a few lines takes on the same sockets.
 * `deno task lab tests/lab/hypervisors.ts` runs it in the lab's machine; on a
 * host where KVM works, `deno test -A tests/lab/hypervisors.ts` does.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { Driver, Log, MachineError } from "../../mod.ts";
import {
  guest,
  microConfiguration,
  type MicroHypervisor,
} from "../guests/mod.ts";

/** How often each is started; the figures are medians. */
const ROUNDS = Number(Deno.env.get("VMWRIGHT_LAB_ROUNDS") ?? 3);
const BYTES = 20_000_000;
const MANY = `head -c ${BYTES} /dev/zero | tr '\\0' a`;

const programs: Record<MicroHypervisor, string | undefined> = {
  "firecracker": Deno.env.get("VMWRIGHT_FIRECRACKER"),
  "cloud-hypervisor": Deno.env.get("VMWRIGHT_CLOUD_HYPERVISOR"),
};

/** Seconds, by what took them. */
type Figures = Record<string, number>;
const all = new Map<string, Figures[]>();

function note(who: string, figures: Figures): void {
  all.set(who, [...all.get(who) ?? [], figures]);
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function seconds(fn: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await fn();
  return (performance.now() - began) / 1000;
}

/** One start by the driver, and the actions after it. */
async function byDriver(
  who: string,
  startCommand: string,
  directory: string,
): Promise<void> {
  await using log = new Log([{ on: () => {} }]);
  await using driver = await Driver.create({
    machines: [startCommand],
    outDir: `${directory}/out`,
    log,
  });
  const [machine] = driver.machines;
  const figures: Figures = {};
  figures["boot"] = await seconds(() => machine.succeed("true"));
  const took = async (command: string) => {
    const each: number[] = [];
    for (let n = 0; n < 100; n++) {
      each.push(await seconds(() => machine.succeed(command)));
    }
    return median(each);
  };
  figures["a builtin"] = await took("true");
  figures["a fork"] = await took("/usr/bin/true");
  figures["20 MB"] = await seconds(async () => {
    assertEquals((await machine.succeed(MANY)).length, BYTES);
  });
  const waiting = machine.succeed("sleep 1000");
  waiting.catch(() => {});
  figures["death"] = await seconds(async () => {
    await machine.execute("echo c >/proc/sysrq-trigger", {
      checkOutput: false,
    });
    await assertRejects(() => waiting, MachineError);
  });
  await machine.waitForShutdown();
  figures["restart"] = await seconds(() => machine.succeed("true"));
  note(who, figures);
}

/** One start by a client that does no more than it has to. */
async function byHand(
  hypervisor: MicroHypervisor,
  description: string,
  directory: string,
): Promise<void> {
  const api = `${directory}/api`, vsock = `${directory}/vsock`;
  const given = JSON.parse(await Deno.readTextFile(description));
  const figures: Figures = {};
  const calls = Deno.listen({ transport: "unix", path: `${vsock}_1234` });
  const began = performance.now();
  const process = new Deno.Command(programs[hypervisor]!, {
    args: hypervisor === "firecracker"
      ? ["--api-sock", api, "--no-seccomp"]
      : ["--api-socket", `path=${api}`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path: api },
  });
  const put = async (path: string, body?: unknown) => {
    const url = `http://localhost${path}`;
    const text = body === undefined ? undefined : JSON.stringify(body);
    while (true) {
      try {
        const answer = await fetch(url, { client, method: "PUT", body: text });
        assertEquals(answer.ok, true, await answer.text());
        return;
      } catch (error) {
        // It does not listen yet.
        if (!(error instanceof TypeError)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  };
  if (hypervisor === "firecracker") {
    await put("/machine-config", given["machine-config"]);
    await put("/boot-source", given["boot-source"]);
    await put("/vsock", { guest_cid: 3, uds_path: vsock });
    await put("/entropy", {});
    await put("/actions", { action_type: "InstanceStart" });
  } else {
    await put("/api/v1/vm.create", {
      ...given,
      vsock: { cid: 3, socket: vsock },
      serial: { mode: "Tty" },
      console: { mode: "Off" },
    });
    await put("/api/v1/vm.boot");
  }
  (await calls.accept()).close();
  using stream = await Deno.connect({ transport: "unix", path: vsock });
  const buffer = new Uint8Array(1 << 16);
  const send = (text: string) => stream.write(new TextEncoder().encode(text));
  await send("CONNECT 1234\n");
  await stream.read(buffer);
  await send("echo up\n");
  await stream.read(buffer);
  figures["boot"] = (performance.now() - began) / 1000;
  figures["20 MB"] = await seconds(async () => {
    await send(`${MANY}\n`);
    for (let left = BYTES; left > 0;) left -= await stream.read(buffer) ?? left;
  });
  note(`a client of a few lines on ${hypervisor}`, figures);
  process.kill("SIGKILL");
  await process.status;
  calls.close();
}

for (const [name, program] of Object.entries(programs)) {
  if (program === undefined) {
    console.log(`Skipped: ${name}, since no variable names its program`);
  }
}

Deno.test("figures of hypervisors on KVM", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const directory = await Deno.makeTempDir();
    await byDriver(
      "QEMU",
      (await guest("micro")).startScriptFor("qemu"),
      directory,
    );
    for (const hypervisor of Object.keys(programs) as MicroHypervisor[]) {
      if (programs[hypervisor] === undefined) continue;
      const description = await microConfiguration(
        hypervisor,
        "micro",
        directory,
      );
      await byDriver(hypervisor, description, directory);
      await byHand(hypervisor, description, directory);
      for (const left of ["api", "vsock", "vsock_1234"]) {
        await Deno.remove(`${directory}/${left}`).catch(() => {});
      }
    }
    await Deno.remove(directory, { recursive: true });
  }
  for (const [who, rounds] of all) {
    const figures = Object.keys(rounds[0]).map((what) => {
      const value = median(rounds.map((figures) => figures[what]));
      return `${what} ${
        value < 0.1
          ? `${(value * 1000).toFixed(1)} ms`
          : `${value.toFixed(2)} s`
      }`;
    });
    console.log(`measured: ${who}: ${figures.join(", ")}`);
  }
});
