import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { GlobalTimeout } from "../../mod.ts";
import { gatherEvidence } from "../../src/run/evidence.ts";
import { guest } from "../guests/mod.ts";
import { booted } from "../machine/booted.ts";

const options = { isFailed: true, dumpMemory: false };

Deno.test("a failed run tells what waits have seen last, what other machines suffer from, and keeps their state", async () => {
  const { startScriptFor } = await guest("tiny");
  await using run = await booted({ vlans: [1] });
  const { driver, machine, outDir, events } = run;
  const still = driver.createMachine(`${startScriptFor("still")} -S`, {
    name: "still",
  });
  driver.createMachine(startScriptFor("never"), { name: "never" });
  await still.start();
  await machine.succeed("echo something >/dev/tty1");
  const link = machine.link(driver.vlans[0]);
  await link.set({ loss: 1, direction: "send" });
  await machine.fail("busybox ping -c 1 -W 1 192.168.1.99");
  const reason = new GlobalTimeout(1);
  const waits = [
    () => machine.waitForFile("/never"),
    () =>
      machine.succeed(
        "echo printed; echo complained >&2; touch /up; sleep 1000",
      ),
  ];
  const printed = Promise.withResolvers<void>();
  using _listening = driver.log.addListener({
    on() {},
    onOutput(_, text) {
      if (text.includes("printed")) printed.resolve();
    },
  });
  const ended = waits.map((wait) => assertRejects(wait, GlobalTimeout));
  // Until both are under way, and what they say has come.
  await machine.waitForFile("/up");
  await printed.promise;
  await machine.waitForConsoleText("complained");
  driver.abort(reason);
  await Promise.all(ended);

  const { lastSeen, troubles } = await gatherEvidence(
    [driver],
    reason,
    options,
  );
  const seen = lastSeen.join("\n");
  assertMatch(seen, /^tiny: ls: .*\/never.*No such file/m);
  assertMatch(
    seen,
    /^tiny: its output ended with:\nprinted\nstderr of commands .* ended with:\ncomplained$/m,
  );
  assertEquals(troubles.length, 1, troubles.join("\n"));
  assertMatch(troubles[0], /^still does not run, /);

  const text = Deno.readTextFileSync(`${outDir}/tiny-failed.txt`);
  for (
    const part of [
      /^==> start command\n\/.*run-tiny-vm$/m,
      /^==> command line of process \d+\nqemu-system-/m,
      /^==> QEMU: query-status\n[^]*?"status": "running"/m,
      /^==> link to VLAN 1\nsent while it had a fault: \d+ frames, \d+ bytes, \d+ lost$/m,
      /^==> QEMU: info network\nvirtio-net/m,
      /^==> tty1\n[^]*^something$/m,
      /^==> uname -a\nLinux/m,
      /^==> cat \/proc\/net\/dev\n[^]*eth0:/m,
      /^==> ps aux\n/m,
    ]
  ) assertMatch(text, part);
  assertEquals(/cut short|==> end/.test(text), false);
  assertMatch(
    Deno.readTextFileSync(`${outDir}/tiny-failed-journal.txt`),
    /Linux version/,
  );
  assertMatch(
    Deno.readTextFileSync(`${outDir}/still-failed.txt`),
    /"status": "prelaunch"/,
  );
  const told = events.flatMap((event) =>
    event.type === "attachment" || event.type === "screenshot"
      ? [event.path!.replace(`${outDir}/`, "")]
      : []
  );
  assertEquals(told.sort(), [
    "still-failed.png",
    "still-failed.txt",
    "tiny-failed-journal.txt",
    "tiny-failed.png",
    "tiny-failed.txt",
  ]);

  // A paused guest reports nothing, and does not delay the others.
  await machine.qmpClient.send("stop");
  const began = performance.now();
  const sick = await gatherEvidence([driver], new Error("other"), {
    ...options,
    dumpMemory: true,
  });
  assertLess(performance.now() - began, 600_000);
  assert(sick.troubles.some((text) => text.startsWith("tiny does not run, ")));
  const memory = await Deno.open(`${outDir}/tiny-failed.elf`);
  const magic = new Uint8Array(4);
  await memory.read(magic);
  memory.close();
  assertEquals(new TextDecoder().decode(magic), "\x7fELF");
});
