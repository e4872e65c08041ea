/**
 * A start that fails says why: as a MachineError with the machine's name and
 * the words of QEMU, or of the shell, whichever way it failed.
 */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  type GuestListener,
  StartCommand,
  Supervisor,
} from "../../src/backend/mod.ts";
import { QemuBackend } from "../../src/backend/qemu/qemu.ts";
import { MachineError } from "../../src/errors.ts";
import { gone, processesWith } from "./processes.ts";

/** A QEMU that runs no guest. */
const QEMU = "exec qemu-system-x86_64 -m 16 -S -nodefaults";

/** A backend with a directory for a machine's state. */
async function backend(connectTimeout?: number) {
  const stateDir = await Deno.makeTempDir();
  const supervisor = new Supervisor();
  const backend = new QemuBackend(supervisor, { connectTimeout });
  const complaints: string[] = [];
  const listener: GuestListener = {
    serial: () => {},
    serialEnd: () => {},
    complaint: (line) => complaints.push(line),
    portClosed: () => {},
    reset: () => {},
    panicked: () => {},
    stoppedForGood: () => {},
  };
  return {
    stateDir,
    complaints,
    start: (command: string) =>
      backend.start({
        name: "web",
        startCommand: new StartCommand(command),
        stateDir,
        sharedDir: stateDir,
      }, listener),
    async [Symbol.asyncDispose]() {
      await supervisor[Symbol.asyncDispose]();
      await Deno.remove(stateDir, { recursive: true });
    },
  };
}

/** Ends as QEMU does that connects its sockets, and then finds a fault. */
const STATUS_1 =
  /^web did not start: QEMU ended with status 1, and said last:\n/;
const NEVER = new RegExp(
  "^web did not start: the start script ended with status 0 before QEMU " +
    "connected to the driver; does the start script hand its arguments",
);

/** What starts nothing, and the message's parts. */
const FAILURES: [command: string, ...RegExp[]][] = [
  [`${QEMU} -monitor stdio`, STATUS_1, /multiple character/, /-monitor stdio/],
  [`${QEMU} -qmp stdio`, STATUS_1, /multiple character/, /QEMU's stdout/],
  [`${QEMU} -daemonize`, STATUS_1, /-daemonize/, /take -daemonize out/],
  [`${QEMU} -no-such-option`, STATUS_1, /-no-such-option: invalid option/],
  [`${QEMU} -device no-such-device`, STATUS_1, /no-such-device/],
  [`${QEMU} -drive file=/no/disk`, STATUS_1, /\/no\/disk/],
  [`${QEMU} -kernel /no/kernel`, STATUS_1, /'\/no\/kernel'/],
  [`${QEMU} -m 5x`, STATUS_1, /-m 5x/],
  [`${QEMU} -m 100000G`, STATUS_1, /memory/],
  [`${QEMU} -M none`, STATUS_1, /No 'virtio-bus'/, /choose one that has/],
  [`${QEMU} -M isapc`, STATUS_1, /No 'virtio-bus'/, /-M pc, q35, microvm/],
  [`${QEMU} -loadvm nothing`, STATUS_1, /loadvm|snapshot/],
  ["exit 0;", NEVER],
  ["exit 0; :", NEVER],
  ["true", NEVER],
  ["exit 1; :", /^web did not start: QEMU ended with status 1$/],
  [
    "echo no licence >&2; exit 7; :",
    /^web did not start: QEMU ended with status 7, and said last:\nno licence$/,
  ],
  ["/no/script", /status 127, and said last:\n.*\/no\/script: not found/],
  ["/etc/passwd", /status 126, and said last:\n.*Permission denied/],
  ["kill -KILL $$; :", /^web did not start: QEMU was killed by SIGKILL$/],
  [
    "echo no licence >&2; sleep 1000; :",
    /^web did not start: QEMU has not connected to the driver in 5 seconds/,
    /said last:\nno licence$/,
  ],
  [
    `f() { (${QEMU} -monitor stdio "$@"); sleep 1000; }; f`,
    /^web did not start: QEMU closed its connections, but the start script still runs/,
    /multiple character/,
  ],
  [
    "sleep 1000; :",
    /^web did not start: QEMU has not connected to the driver in 5 seconds; does the start script hand its arguments, "\$@", to QEMU\?$/,
  ],
  [
    // QEMU leaves the script behind.
    `f() { (${QEMU} -daemonize "$@") & sleep 1000; }; f`,
    /^web did not start: QEMU .*connect/,
    /-daemonize/,
  ],
];

for (const [command, ...parts] of FAILURES) {
  Deno.test(`a start by \`${command}\` says why it fails`, async () => {
    const isLate = parts.some(({ source }) => source.includes("in 5 seconds"));
    await using test = await backend(isLate ? 5 : undefined);
    const failure = await assertRejects(() => test.start(command));
    assertEquals((failure as Error).name, "MachineError");
    for (const part of parts) assertMatch((failure as Error).message, part);
    await gone(() => processesWith(test.stateDir).length > 0);
    assertEquals([...Deno.readDirSync(test.stateDir)], []);
  });
}

Deno.test("a start whose port is in use says so", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using test = await backend();
  const failure = await assertRejects(
    () =>
      test.start(
        `${QEMU} -nic user,hostfwd=tcp:127.0.0.1:${listener.addr.port}-:22`,
      ),
    MachineError,
  );
  assertMatch(failure.message, STATUS_1);
  assertMatch(failure.message, /Could not set up host forwarding rule/);
});

/** Connects to all sockets that its arguments name, and says nothing there. */
const SILENT = `
import re, signal, socket, sys
sockets = []
for path in re.findall(r"^socket,.*\\bpath=([^,\\n]*)", "\\n".join(sys.argv), re.M):
    sockets.append(socket.socket(socket.AF_UNIX))
    sockets[-1].connect(path)
signal.pause()
`;

Deno.test("a QEMU that does not greet is not waited for", async () => {
  await using test = await backend(3);
  await Deno.writeTextFile(`${test.stateDir}/silent.py`, SILENT);
  const failure = await assertRejects(
    () => test.start("exec python3 silent.py"),
    MachineError,
  );
  assertMatch(failure.message, /^web did not start: QEMU .*connect/);
  await gone(() => processesWith(test.stateDir).length > 0);
});

for (const option of ["-serial stdio", "-serial mon:stdio"]) {
  Deno.test(`a start script may have ${option} itself`, async () => {
    await using test = await backend();
    for (let start = 0; start < 2; start++) {
      const guest = await test.start(`${QEMU} -M pc ${option}`);
      const devices = await guest.qmp.send("query-chardev") as {
        label: string;
      }[];
      const ports = devices.filter(({ label }) => /^serial\d$/.test(label));
      assertEquals(ports.length, 1);
      await guest.stop();
    }
    assertEquals(test.complaints, []);
  });
}

for (
  const option of [
    "-display none",
    "-display vnc=none",
    "-nographic",
    "-monitor null",
    "-monitor vc",
    "-no-reboot",
    "-device virtio-serial",
    "-device virtio-rng-pci",
  ]
) {
  Deno.test(`a start script may have ${option} itself`, async () => {
    await using test = await backend();
    const guest = await test.start(`${QEMU} -M pc ${option}`);
    await guest.stop();
    assertEquals(test.complaints, []);
  });
}

for (
  const [option, complaint] of [
    [
      "-serial null",
      "the start script has a -serial of its own, which is the guest's first " +
      "serial port (null): the driver does not see what the guest says there, " +
      "but reads its port serial1",
    ],
    [
      "-device virtio-serial -chardev null,id=x -device virtconsole,chardev=x",
      "the start script has a virtconsole of its own, which is /dev/hvc0 in a " +
      "Linux guest, where the shell is expected: the driver's is /dev/hvc1",
    ],
  ]
) {
  Deno.test(`a warning tells what ${option} in a start script takes away`, async () => {
    await using test = await backend();
    const guest = await test.start(`${QEMU} -M pc ${option}`);
    while (test.complaints.length === 0) await guest.qmp.send("query-status");
    assertEquals(test.complaints, [complaint]);
    await guest.stop();
  });
}

for (const machine of ["microvm", "microvm,acpi=on,pic=off,pit=off"]) {
  Deno.test(`QEMU runs a ${machine}, which has no PCI`, async () => {
    await using test = await backend();
    for (let start = 0; start < 2; start++) {
      const guest = await test.start(`${QEMU} -M ${machine}`);
      const tree = await guest.qmp.send("human-monitor-command", {
        "command-line": "info qtree",
      }) as string;
      assertMatch(tree, /dev: virtio-serial-device, id "vw"/);
      assertMatch(tree, /dev: virtio-rng-device/);
      await guest.stop();
    }
    assertEquals(test.complaints, []);
  });
}

Deno.test("a guest that stands still is ended by crash()", async () => {
  await using test = await backend();
  const guest = await test.start(`${QEMU} -M pc`);
  Deno.kill(guest.pid, "SIGSTOP");
  await guest.crash();
  assertEquals(await guest.ended, "QEMU was killed by SIGKILL");
});

Deno.test("a machine that has a device for panics, which nobody could see, starts without a second one", async () => {
  await using test = await backend(60);
  const device = ["pv", "panic"].join("");
  await Deno.writeTextFile(
    `${test.stateDir}/inner`,
    `#!/bin/sh\n${QEMU} -device ${device} "$@"\n`,
    { mode: 0o755 },
  );
  // The outer one names QEMU, so that it is taken for a machine without.
  const guest = await test.start(
    `: qemu-system-x86_64; ${test.stateDir}/inner`,
  );
  const devices = await guest.qmp.send("qom-list", {
    path: "/machine/peripheral-anon",
  });
  assertEquals(
    JSON.stringify(devices).split(`child<${device}>`).length - 1,
    1,
  );
  assertEquals(test.complaints, []);
  await guest.stop();
});

Deno.test("a machine gets a device for panics", async () => {
  await using test = await backend(60);
  const guest = await test.start(QEMU);
  const devices = await guest.qmp.send("qom-list", {
    path: "/machine/peripheral-anon",
  });
  assertEquals(JSON.stringify(devices).includes("child<pvpanic>"), true);
  await guest.stop();
});
