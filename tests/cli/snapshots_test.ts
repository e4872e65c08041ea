import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  keepSnapshot,
  type KeptMachine,
} from "../../src/driver/kept_snapshots.ts";
import { temporaryDirectory, vmwright } from "./vmwright.ts";

Deno.test("vmwright snapshots lists and removes kept snapshots", async () => {
  using directory = temporaryDirectory({ state: "state", "run/keep": "" });
  const machine = {
    startCommand: "./run-web-vm",
    saved: {
      name: "web",
      guest: {
        state: `${directory.path}/state`,
        disks: [],
        identity: { "command line": "qemu" },
        isPaused: false,
      },
      console: { text: new Uint8Array(3), consumed: 0 },
    },
  } as unknown as KeptMachine;
  const cache = Deno.env.get("XDG_CACHE_HOME");
  Deno.env.set("XDG_CACHE_HOME", `${directory.path}/cache`);
  try {
    for (const name of ["booted", "with rows"]) {
      await keepSnapshot(
        name,
        [machine],
        ["./run-web-vm"],
        `${directory.path}/run`,
      );
    }
  } finally {
    if (cache === undefined) Deno.env.delete("XDG_CACHE_HOME");
    else Deno.env.set("XDG_CACHE_HOME", cache);
  }
  const run = (...args: string[]) =>
    vmwright(["snapshots", ...args], {
      env: { XDG_CACHE_HOME: `${directory.path}/cache` },
    });
  const listed = await run();
  assertEquals(listed.code, 0, listed.stderr);
  const lines = listed.stdout.trim().split("\n");
  assertEquals(lines.map((line) => line.split("  ")[0]), [
    "booted",
    "with rows",
  ]);
  assertStringIncludes(lines[0], "web");
  const unknown = await run("remove", "other");
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.stderr, 'got "other"');
  assertEquals((await run("drop")).code, 2);
  assertEquals((await run("remove", "booted")).stdout, "removed 1 snapshot\n");
  assertEquals((await run("remove")).stdout, "removed 1 snapshot\n");
  assertEquals((await run()).stdout, "");
});
