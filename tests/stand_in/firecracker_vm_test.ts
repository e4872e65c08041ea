import { assertEquals } from "@std/assert";
import { delay } from "../../src/time/mod.ts";
import { beforeStart } from "./firecracker_refusals.ts";
import { standIn } from "./programs.ts";

/** Runs a Firecracker, asks what is to be asked, and compares its answers. */
async function ask(program: string, place: string): Promise<void> {
  await Deno.writeFile(`${place}/disk`, new Uint8Array(1 << 20));
  const path = `${place}/api`;
  const process = new Deno.Command(program, {
    args: ["--api-sock", path],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  using client = Deno.createHttpClient({
    proxy: { transport: "unix", path },
  });
  const request = async (method: string, at: string, body?: unknown) => {
    const response = await fetch(`http://localhost${at}`, {
      method,
      client,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (response.status !== 400) return response.status;
    // The stand-in does not count lines and columns.
    return JSON.parse(text).fault_message
      .replace(/ at line \d+ column \d+/, "");
  };
  try {
    while (await request("GET", "/").catch(() => {}) !== 200) await delay(0.02);
    for (const [method, at, body, answer] of beforeStart(place)) {
      assertEquals(
        await request(method, at, body),
        answer,
        `${method} ${at} ${JSON.stringify(body)}`,
      );
    }
  } finally {
    process.kill("SIGKILL");
    await process.status;
  }
}

Deno.test("the stand-in for Firecracker refuses what Firecracker was seen to refuse", async () => {
  const place = await Deno.makeTempDir();
  try {
    await ask(await standIn("firecracker", place), place);
  } finally {
    await Deno.remove(place, { recursive: true });
  }
});

const real = Deno.env.get("VMWRIGHT_FIRECRACKER");
if (real === undefined) {
  console.log(
    "Skipped: Firecracker's own answers, since VMWRIGHT_FIRECRACKER names none",
  );
}
Deno.test({
  name: "the real Firecracker refuses the same",
  ignore: real === undefined,
  async fn() {
    const place = await Deno.makeTempDir();
    try {
      await ask(real!, place);
    } finally {
      await Deno.remove(place, { recursive: true });
    }
  },
});
