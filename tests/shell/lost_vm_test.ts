/**
 * A console that loses the first message of each kind that the guest's side
 * says. Nothing may wait for one of them for ever.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Driver, Log } from "../../mod.ts";
import { type ByteStream, writeAll } from "../../src/stream/mod.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";
import { guest } from "../guests/mod.ts";
import { firstOfEach, lossy } from "./lossy.ts";

/** Copies what one stream brings to another. */
async function pipe(from: ByteStream, to: ByteStream): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (let count; (count = await from.read(buffer)) !== null;) {
      await writeAll(to, buffer.slice(0, count));
    }
  } finally {
    to.close();
  }
}

/** Output that the console lost does not come again: its command says so. */
function lostOutput(error: Error): string {
  assertMatch(error.message, /^The guest's console has lost /);
  return error.message;
}

Deno.test("a guest whose console loses the first message of each kind", async (t) => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/console`;
  using listener = Deno.listen({ transport: "unix", path });
  const { startScriptFor } = await guest("tiny");
  const { lost, kept, isLost } = firstOfEach();
  const startCommand = `${directory.path}/run-tiny-vm`;
  // QEMU's console leads here, and from here to the driver.
  Deno.writeTextFileSync(
    startCommand,
    `#!/bin/bash
for argument; do
  case $argument in *id=vw-shell,*)
    echo "\${argument#*path=}" >${directory.path}/driver
    argument=\${argument%path=*}path=${path}
  esac
  arguments+=("$argument")
done
exec ${startScriptFor("tiny")} "\${arguments[@]}"
`,
    { mode: 0o755 },
  );
  await using driver = await Driver.create({
    machines: [{ name: "tiny", startCommand }],
    outDir: directory.path,
    log: new Log([]),
  });
  const [machine] = driver.machines;
  const starting = machine.start();
  using qemu = await listener.accept();
  using shell = await Deno.connect({
    transport: "unix",
    path: (await Deno.readTextFile(`${directory.path}/driver`)).trim(),
  });
  const pipes = [pipe(lossy(qemu, isLost), shell), pipe(shell, qemu)];
  for (const end of pipes) end.catch(() => {});
  await starting;

  await t.step("is connected to, and runs commands", async () => {
    assertEquals(await machine.succeed("echo one"), "one\n");
    const port = lost.get("port")!;
    assert(kept.has(port), `expected again: ${port}`);
  });

  await t.step(
    "tells the status of a command that leaves a child",
    async () => {
      const [status, output] = await machine.execute(
        "sleep 1000 & echo two; exit 3",
      );
      assertEquals([status, output], [3, "two\n"]);
    },
  );

  await t.step("ends more commands than it has ports", async () => {
    const running = Array.from(
      { length: 16 },
      (_, n) =>
        machine.succeed(
          `until [ -e /go ]; do sleep 0.1; done; printf '%9000d' ${n}`,
        ),
    );
    const ends = Promise.allSettled(running);
    await machine.succeed("touch /go").catch(lostOutput);
    const failed: unknown[] = [];
    for (const [n, end] of (await ends).entries()) {
      if (end.status === "rejected") failed.push(lostOutput(end.reason));
      else assertEquals(end.value, String(n).padStart(9000));
    }
    // One lost a part of its output, and one its end.
    assert(failed.length <= 2, failed.join("\n"));
  });

  await t.step("can be saved", async () => {
    await driver.snapshot();
    assertEquals(await machine.succeed("echo three"), "three\n");
  });

  await t.step("has lost something of each kind", () => {
    assertEquals([...lost.keys()].sort(), [
      "alive",
      "data",
      "done",
      "ended",
      "found",
      "holder",
      "lost",
      "more",
      "open",
      "port",
      "shell",
      "still",
      "taken",
      "up",
    ]);
  });
});
