import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  type GuestListener,
  StartCommand,
  Supervisor,
} from "../../src/backend/mod.ts";
import { QemuBackend } from "../../src/backend/qemu/qemu.ts";
import { MachineError } from "../../src/errors.ts";
import { awkward } from "./awkward.ts";
import { gone, isAlive, processesWith } from "./processes.ts";

/** A QEMU that runs no guest, and shows no window of one. */
const QEMU = "exec qemu-system-x86_64 -M pc -m 16 -S -nodefaults -display none";

const quiet: GuestListener = {
  serial: () => {},
  serialEnd: () => {},
  complaint: () => {},
  portClosed: () => {},
  reset: () => {},
  panicked: () => {},
  stoppedForGood: () => {},
};

/** A backend with a directory for a machine's state. */
async function backendIn(name: string) {
  const root = await Deno.makeTempDir();
  const stateDir = `${root}/${name}`;
  await Deno.mkdir(stateDir);
  const supervisor = new Supervisor();
  const backend = new QemuBackend(supervisor);
  return {
    stateDir,
    start: (
      command: string,
      listener: Partial<GuestListener> = {},
      signal?: AbortSignal,
    ) =>
      backend.start({
        name: "a machine",
        startCommand: new StartCommand(command),
        stateDir,
        sharedDir: `${root}/shared`,
        env: { GIVEN: "given" },
        signal,
      }, { ...quiet, ...listener }),
    async [Symbol.asyncDispose]() {
      await supervisor[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}

for (const name of [...awkward, "long ".repeat(20)]) {
  Deno.test(`QEMU runs in a directory that is called ${JSON.stringify(name)}`, async () => {
    await using test = await backendIn(name);
    const guest = await test.start(QEMU);
    const { status } = await guest.qmp.send("query-status") as {
      status: string;
    };
    assertEquals(status, "prelaunch");
    assertEquals(isAlive(guest.pid), true);
    assertEquals(guest.isEnding, false);
    await guest.stop();
    assertEquals(await guest.ended, "a signal ended QEMU");
    assertEquals(guest.isEnding, true);
    assertEquals(isAlive(guest.pid), false);
    assertEquals([...Deno.readDirSync(test.stateDir)], []);
  });
}

Deno.test("a start script gets what NixOS's scripts get", async () => {
  await using test = await backendIn("state");
  const lines: string[] = [];
  const guest = await test.start(
    'pwd >&2; printf "%s\\n" "$TMPDIR" "$SHARED_DIR" "$USE_TMPDIR" "$GIVEN" ' +
      `>&2; ${QEMU}`,
    { complaint: (line) => lines.push(line) },
  );
  await guest.stop();
  const { stateDir } = test;
  assertEquals(lines.slice(0, 5), [
    stateDir,
    stateDir,
    stateDir.replace(/state$/, "shared"),
    "1",
    "given",
  ]);
});

Deno.test("stop() ends a QEMU that is a script's child", async () => {
  await using test = await backendIn("state");
  const guest = await test.start(`${QEMU.replace("exec ", ":; ")}`);
  assertEquals(processesWith(test.stateDir).length, 2);
  await guest.stop();
  await gone(() => processesWith(test.stateDir).length > 0);
});

Deno.test("stop() ends a script that takes no signal", async () => {
  await using test = await backendIn("state");
  const guest = await test.start(
    `f() { trap '' TERM; (${QEMU} "$@"); sleep 1000; }; f`,
  );
  await guest.stop();
  assertEquals(await guest.ended, "QEMU was killed by SIGKILL");
  await gone(() => processesWith(test.stateDir).length > 0);
});

Deno.test("a QEMU that is killed says so, and leaves nothing", async () => {
  await using test = await backendIn("state");
  const guest = await test.start(QEMU);
  Deno.kill(guest.pid, "SIGKILL");
  assertEquals(await guest.ended, "QEMU was killed by SIGKILL");
  await assertRejects(() => guest.qmp.send("query-status"));
  assertEquals([...Deno.readDirSync(test.stateDir)], []);
});

Deno.test("an endless start ends with its signal", async () => {
  await using test = await backendIn("state");
  const abort = new AbortController();
  const failure = await assertRejects(
    () =>
      test.start(
        "echo begun >&2; sleep 1000; :",
        { complaint: () => abort.abort() },
        abort.signal,
      ),
    MachineError,
  );
  assertMatch(
    failure.message,
    /^a machine did not start: QEMU was killed by SIGKILL/,
  );
  await gone(() => processesWith(test.stateDir).length > 0);
});

Deno.test("a process that a script has detached ends with it", async () => {
  await using test = await backendIn("state");
  const failure = await assertRejects(
    () => test.start("setsid sleep 1000 & exit 4; :"),
    MachineError,
  );
  assertEquals(
    failure.message,
    "a machine did not start: QEMU ended with status 4",
  );
  const { stateDir } = test;
  await gone(() => processesWith(stateDir).length > 0);
});

Deno.test("the driver does not wait for a hidden process that holds the script's pipes", async () => {
  await using test = await backendIn("state");
  const pidFile = `${test.stateDir}/pid`;
  try {
    const failure = await assertRejects(
      () =>
        test.start(
          "env -i setsid sh -c 'echo $$ >pid; echo >&2; exec sleep 1000' & " +
            "while ! [ -s pid ]; do sleep 0.01; done; exit 4; :",
        ),
      MachineError,
    );
    assertMatch(failure.message, /^a machine did not start: .* status 4/);
  } finally {
    Deno.kill(Number(await Deno.readTextFile(pidFile)), "SIGKILL");
  }
});

Deno.test("the error of a QEMU that can't start quotes its complaint", async () => {
  await using test = await backendIn("state");
  const failure = await assertRejects(
    () => test.start("exec qemu-system-x86_64 -M no-such-machine"),
    MachineError,
  );
  assertMatch(
    failure.message,
    /^a machine did not start: QEMU ended with status 1, and said last:\nqemu-system-x86_64: .*machine/,
  );
  assertEquals([...Deno.readDirSync(test.stateDir)], []);
});
