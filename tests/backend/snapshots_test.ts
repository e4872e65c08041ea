import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  type GuestListener,
  type SavedGuest,
  StartCommand,
  Supervisor,
} from "../../src/backend/mod.ts";
import { writeOverlay } from "../../src/backend/qemu/overlay.ts";
import { QemuBackend } from "../../src/backend/qemu/qemu.ts";
import { type ByteStream, isClosedError } from "../../src/stream/mod.ts";
import { MachineError } from "../../src/errors.ts";

/** A QEMU whose guest is its firmware, which finds nothing to boot from. */
const QEMU = "exec stdbuf -oL qemu-system-x86_64 -accel tcg -M pc -m 16 " +
  "-nodefaults -display none";
const MEBIBYTE = 1 << 20;

const quiet: GuestListener = {
  serial: () => {},
  serialEnd: () => {},
  complaint: () => {},
  portClosed: () => {},
  reset: () => {},
  panicked: () => {},
  stoppedForGood: () => {},
};

/** A backend, and a place for the directories of its machines. */
async function setUp() {
  const root = await Deno.makeTempDir();
  const supervisor = new Supervisor();
  const backend = new QemuBackend(supervisor);
  const saved = `${root}/saved`;
  await Deno.mkdir(saved);
  return {
    root,
    saved,
    async start(command: string, name: string, from?: SavedGuest) {
      const stateDir = `${root}/${name}`;
      Deno.mkdirSync(stateDir, { recursive: true });
      const said = { text: "", heard: () => {} };
      const guest = await backend.start({
        name,
        startCommand: new StartCommand(command),
        stateDir,
        sharedDir: `${root}/shared`,
        saved: from,
      }, {
        ...quiet,
        serial: (bytes) => {
          said.text += new TextDecoder().decode(bytes);
          said.heard();
        },
      });
      saying.set(guest, said);
      // As a shell does.
      for (const stream of [guest.console, ...guest.ports.map(streamOf)]) {
        readAll(stream);
      }
      return guest;
    },
    async [Symbol.asyncDispose]() {
      await supervisor[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}

function streamOf({ stream }: { stream: ByteStream }): ByteStream {
  return stream;
}

async function readAll(stream: ByteStream): Promise<void> {
  const buffer = new Uint8Array(1024);
  try {
    while (await stream.read(buffer) !== null);
  } catch (error) {
    if (!isClosedError(error)) throw error;
  }
}

type Guest = Awaited<ReturnType<QemuBackend["start"]>>;

/** What QEMUs print. */
const saying = new WeakMap<Guest, { text: string; heard: () => void }>();

/** Saves a guest, which goes on. */
async function save(guest: Guest, directory: string): Promise<SavedGuest> {
  Deno.mkdirSync(directory, { recursive: true });
  const snapshots = guest.snapshots!;
  assertEquals(await snapshots.obstacles(), []);
  await snapshots.pause();
  try {
    await snapshots.drained();
    return await snapshots.save(directory);
  } finally {
    await snapshots.go();
  }
}

/** Reads or writes a disk, as its guest would. */
async function io(
  guest: Guest,
  disk: string,
  command: string,
): Promise<string> {
  return await guest.qmp.send("human-monitor-command", {
    "command-line": `qemu-io ${disk} "${command}"`,
  }) as string;
}

async function fill(guest: Guest, disk: string, pattern: number) {
  await io(guest, disk, `write -P ${pattern} 0 64k`);
  await io(guest, disk, "flush");
}

/** What a disk is filled with at its beginning. */
async function filling(guest: Guest, disk: string): Promise<number> {
  const said = saying.get(guest)!;
  said.text = "";
  await io(guest, disk, "read -v 0 16");
  // QEMU prints it where the serial console goes.
  while (true) {
    const [, digits] = /00000000: {2}([\da-f]{2})/.exec(said.text) ?? [];
    if (digits !== undefined) return parseInt(digits, 16);
    await new Promise<void>((resolve) => said.heard = resolve);
  }
}

async function running(guest: Guest): Promise<boolean> {
  const status = await guest.qmp.send("query-status");
  return (status as { running: boolean }).running;
}

async function hash(path: string): Promise<string> {
  const bytes = await Deno.readFile(path);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** A template of the author's, and a start script that puts an overlay on it. */
function withDisk(root: string): { template: string; command: string } {
  const template = `${root}/template.raw`;
  Deno.writeFileSync(template, new Uint8Array(MEBIBYTE).fill(1));
  writeOverlay(`${root}/empty.qcow2`, {
    path: template,
    format: "raw",
    size: MEBIBYTE,
  });
  return {
    template,
    command: `[ -e disk.qcow2 ] || cp ${root}/empty.qcow2 disk.qcow2; ` +
      "[ -e raw.img ] || truncate -s 1M raw.img; " +
      `${QEMU} -drive file=disk.qcow2,if=none,id=one,format=qcow2 ` +
      "-device virtio-blk,drive=one " +
      '-drive file="$TMPDIR/raw.img",if=none,id=two,format=raw ' +
      "-device virtio-blk,drive=two",
  };
}

Deno.test("disks of a saved guest", async (t) => {
  await using test = await setUp();
  const { root } = test;
  const { template, command } = withDisk(root);
  const before = await hash(template);
  const origin = await test.start(command, "origin");
  await fill(origin, "one", 2);
  await fill(origin, "two", 12);
  const saved = await save(origin, `${test.saved}/first`);
  const frozen = await Promise.all(
    saved.disks.map(({ frozen }) => hash(frozen)),
  );
  await fill(origin, "one", 3);
  await fill(origin, "two", 13);
  const second = await save(origin, `${test.saved}/second`);
  await fill(origin, "one", 4);

  await t.step("a guest goes on with what they held", async () => {
    for (const [from, one, two] of [[saved, 2, 12], [second, 3, 13]] as const) {
      const name = `fork-${one}`;
      const fork = await test.start(command, name, from);
      assertEquals(await running(fork), false);
      await fork.snapshots!.go();
      assertEquals(await running(fork), true);
      assertEquals([await filling(fork, "one"), await filling(fork, "two")], [
        one,
        two,
      ]);
      await fill(fork, "one", 50 + one);
      await fill(fork, "two", 60 + two);
      await fork.stop();
      // The next start of its own finds what it wrote.
      const again = await test.start(command, name);
      assertEquals(await filling(again, "one"), 50 + one);
      assertEquals(await filling(again, "two"), 60 + two);
      await again.stop();
    }
  });

  await t.step("the guest that was saved has what it wrote since", async () => {
    assertEquals(await filling(origin, "one"), 4);
    await origin.stop();
    const again = await test.start(command, "origin");
    assertEquals([await filling(again, "one"), await filling(again, "two")], [
      4,
      13,
    ]);
    await fill(again, "one", 5);
    await again.stop();
  });

  await t.step("it can go back in place", async () => {
    const back = await test.start(command, "origin", saved);
    assertEquals([await filling(back, "one"), await filling(back, "two")], [
      2,
      12,
    ]);
    await back.stop();
  });

  await t.step("no fork has written to the snapshot", async () => {
    assertEquals(await hash(template), before);
    assertEquals(
      await Promise.all(saved.disks.map(({ frozen }) => hash(frozen))),
      frozen,
    );
  });

  await t.step("what is saved is for its owner alone", () => {
    for (const path of [saved.state, saved.disks[1].frozen]) {
      assertEquals(Deno.statSync(path).mode! & 0o777, 0o600, path);
    }
  });
});

Deno.test("a driver that was killed leaves disks that the next start finds", async () => {
  await using test = await setUp();
  const { command } = withDisk(test.root);
  const origin = await test.start(command, "origin");
  await save(origin, `${test.saved}/first`);
  await fill(origin, "one", 7);
  // What the end of QEMU would have brought to its place.
  const live = `${test.root}/origin/disk.qcow2.vw-live-1`;
  await Deno.copyFile(live, `${live}.kept`);
  await origin.stop();
  await Deno.rename(`${live}.kept`, live);
  const again = await test.start(command, "origin");
  assertEquals(await filling(again, "one"), 7);
  await again.stop();
});

/** What can't be saved, and the message about it. */
const REFUSED: [what: string, add: string, says: RegExp][] = [
  [
    "an image of the author's own",
    "-drive file=../author.raw,if=none,id=mine,format=raw " +
    "-device virtio-blk,drive=mine",
    /the disk mine of origin is \.\.\/author\.raw, which is not a file in/,
  ],
  [
    "an NVMe disk",
    "-drive file=raw.img,if=none,id=mine,format=raw " +
    "-device nvme,drive=mine,serial=1",
    /nvme/i,
  ],
];

for (const [what, add, says] of REFUSED) {
  Deno.test(`${what} can't be saved, and QEMU goes on`, async () => {
    await using test = await setUp();
    await Deno.writeFile(
      `${test.root}/author.raw`,
      new Uint8Array(MEBIBYTE),
    );
    const origin = await test.start(
      `truncate -s 1M raw.img; ${QEMU} ${add}`,
      "origin",
    );
    const obstacles = await origin.snapshots!.obstacles();
    if (obstacles.length > 0) assertMatch(obstacles[0].reason, says);
    const error = await assertRejects(async () => {
      await origin.snapshots!.pause();
      try {
        await origin.snapshots!.save(test.saved);
      } finally {
        await origin.snapshots!.go();
      }
    }, MachineError);
    assertMatch(error.message, says);
    assertEquals(await running(origin), true);
    await origin.stop();
  });
}

Deno.test("a guest goes on only from a guest with the same properties", async (t) => {
  await using test = await setUp();
  const origin = await test.start(QEMU, "origin");
  const saved = await save(origin, test.saved);

  await t.step("another command line is refused", async () => {
    const error = await assertRejects(
      () => test.start(`${QEMU} -device virtio-rng-pci`, "other", saved),
      MachineError,
    );
    assertStringIncludes(error.message, "its command line is another");
    assertStringIncludes(error.message, "virtio-rng-pci");
  });
  await t.step("another memory is refused", async () => {
    const error = await assertRejects(
      () => test.start(QEMU.replace("-m 16", "-m 32"), "other", saved),
      MachineError,
    );
    assertStringIncludes(
      error.message,
      "its memory is 33554432 bytes, and was 16777216 bytes",
    );
  });
  await t.step("another version is refused", async () => {
    const identity = { ...saved.identity, "version of QEMU": "1.2.3" };
    const error = await assertRejects(
      () => test.start(QEMU, "other", { ...saved, identity }),
      MachineError,
    );
    assertMatch(error.message, /its version of QEMU is .*, and was 1\.2\.3/);
  });
  await t.step("half a state is refused", async () => {
    const state = `${test.saved}/half`;
    const bytes = await Deno.readFile(saved.state);
    await Deno.writeFile(state, bytes.subarray(0, bytes.length / 2));
    const error = await assertRejects(
      () => test.start(QEMU, "other", { ...saved, state }),
      MachineError,
    );
    assertMatch(error.message, /^other can't go on from the snapshot: /);
  });
  await t.step(
    "its like goes on where paths are too long for sockets",
    async () => {
      const fork = await test.start(QEMU, "long-".repeat(20), saved);
      await fork.stop();
    },
  );
  await t.step("its like goes on", async () => {
    const fork = await test.start(QEMU, "other", saved);
    await fork.snapshots!.go();
    assert(await running(fork));
    await fork.stop();
  });
});

Deno.test("guests that go on share memory", async (t) => {
  await using test = await setUp();
  const { signal } = new AbortController();
  const origin = await test.start(QEMU, "origin");
  const saved = await origin.snapshots!.layOut(
    await save(origin, test.saved),
    signal,
  );
  const { memory, rest } = saved.mapped!;
  const isMapped = ({ pid }: Guest) =>
    Deno.readTextFileSync(`/proc/${pid}/maps`).includes(memory);

  await t.step("all of it is there, for its owner alone", async () => {
    for (const path of [memory, rest]) {
      assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    }
    assertEquals((await Deno.stat(memory)).size, 16 * MEBIBYTE);
    const dump = `${test.root}/dump`;
    await origin.snapshots!.pause();
    const first = await save(origin, `${test.saved}/again`);
    const again = await origin.snapshots!.layOut(first, signal);
    await origin.qmp.send("human-monitor-command", {
      "command-line": `pmemsave 0x100000 0xf00000 "${dump}"`,
    });
    const bytes = await Deno.readFile(again.mapped!.memory);
    assertEquals(bytes.subarray(MEBIBYTE), await Deno.readFile(dump));
    await origin.qmp.send("cont");
  });
  await t.step("a fork maps it, and does not change it", async () => {
    const before = await hash(memory);
    const fork = await test.start(QEMU, "fork", saved);
    assert(isMapped(fork));
    await fork.snapshots!.go();
    assert(await running(fork));
    const own = await save(fork, `${test.saved}/own`);
    assert((await fork.snapshots!.layOut(own, signal)).mapped !== undefined);
    await fork.stop();
    assertEquals(await hash(memory), before);
  });
  await t.step("another memory is refused in the same words", async () => {
    const error = await assertRejects(
      () => test.start(QEMU.replace("-m 16", "-m 32"), "other", saved),
      MachineError,
    );
    assertStringIncludes(
      error.message,
      "its memory is 33554432 bytes, and was 16777216 bytes",
    );
  });
  await t.step("a run that ends leaves no half of it", async () => {
    const directory = `${test.saved}/ended`;
    const whole = await origin.snapshots!.layOut(
      await save(origin, directory),
      AbortSignal.abort(),
    );
    assertEquals(whole.mapped, undefined);
    assertEquals([...Deno.readDirSync(directory)].length, 1);
  });
  await origin.stop();
});

for (
  const [what, add] of [
    [
      "a start script that says what memory is",
      "-object memory-backend-ram,id=own,size=16M -machine memory-backend=own",
    ],
    ["a file for it", "-mem-path ."],
    ["a balloon", "-device virtio-balloon"],
  ]
) {
  Deno.test(`with ${what}, each guest loads its own`, async () => {
    await using test = await setUp();
    const origin = await test.start(`${QEMU} ${add}`, "origin");
    const saved = await origin.snapshots!.layOut(
      await save(origin, test.saved),
      new AbortController().signal,
    );
    assertEquals(saved.mapped, undefined);
    const fork = await test.start(`${QEMU} ${add}`, "fork", saved);
    await fork.snapshots!.go();
    assert(await running(fork));
    await Promise.all([fork.stop(), origin.stop()]);
  });
}

Deno.test("a start script that forwards a port can't run twice", async () => {
  await using test = await setUp();
  const forward = "-netdev user,id=net,hostfwd=tcp:127.0.0.1:0-:80";
  const origin = await test.start(`${QEMU} ${forward}`, "origin");
  assertEquals(
    await origin.snapshots!.rivalry(),
    "its start script forwards a port of the host " +
      "(hostfwd=tcp:127.0.0.1:0-:80)",
  );
  await origin.stop();
});

Deno.test("a guest on an interface of the host can't run twice", async () => {
  await using test = await setUp();
  const origin = await test.start(
    "exec unshare --user --map-root-user --net sh -c '" +
      "ip tuntap add dev vw-tap mode tap && " +
      `${QEMU} -netdev tap,id=net,ifname=vw-tap,script=no,downscript=no ` +
      '-device virtio-net-pci,netdev=net,romfile= "$@"\' sh',
    "origin",
  );
  assertEquals(
    await origin.snapshots!.rivalry(),
    "its network card is on the host's interface vw-tap",
  );
  await origin.stop();
});

Deno.test("a state that can't be written is told, and QEMU goes on", async () => {
  await using test = await setUp();
  const origin = await test.start(`ulimit -f 8; ${QEMU}`, "origin");
  const error = await assertRejects(
    () => save(origin, test.saved),
    MachineError,
  );
  assertStringIncludes(error.message, "origin can't be saved");
  assertEquals(await running(origin), true);
  await origin.stop();
});
