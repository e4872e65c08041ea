/**
 * That QEMU's main loop wakes shows on KVM alone: `tests/lab/kvm.ts`. Here is what
 * QEMU's human monitor makes of the byte, and who is woken.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { toText } from "@std/streams";
import { MainLoop } from "../../src/backend/qemu/main_loop.ts";
import { type QmpClient, QmpError } from "../../src/qmp/mod.ts";
import type { ByteStream } from "../../src/stream/mod.ts";

/** A stream that keeps its written bytes. */
class Kept implements ByteStream {
  readonly written: number[] = [];
  isClosed = false;

  read(): Promise<null> {
    return Promise.resolve(null);
  }

  write(bytes: Uint8Array): Promise<number> {
    this.written.push(...bytes);
    return Promise.resolve(bytes.length);
  }

  close(): void {
    this.isClosed = true;
  }
}

/** In place of a QEMU on KVM, which need not be here. */
function qmp(answer: () => unknown): QmpClient {
  const send = (command: string) => {
    assertEquals(command, "query-kvm");
    return Promise.resolve().then(answer);
  };
  return { send } as unknown as QmpClient;
}

Deno.test("what is written to a guest on KVM wakes QEMU", async () => {
  const monitor = new Kept(), port = new Kept();
  const mainLoop = await MainLoop.find(
    qmp(() => ({ enabled: true, present: true })),
    monitor,
  );
  const stream = mainLoop!.waking(port);
  assertEquals(monitor.written, []);
  assertEquals(await stream.write(new Uint8Array([1, 2])), 2);
  await stream.write(new Uint8Array([3]));
  assertEquals(port.written, [1, 2, 3]);
  assertEquals(monitor.written, [0, 0]);
  assertEquals(await stream.read(new Uint8Array(1)), null);
  stream.close();
  assertEquals(port.isClosed, true);
});

Deno.test("bytes for a QEMU that has ended are dropped without an error", async () => {
  const monitor = new Kept(), port = new Kept();
  monitor.write = () => Promise.reject(new Deno.errors.BrokenPipe());
  const mainLoop = await MainLoop.find(
    qmp(() => ({ enabled: true, present: true })),
    monitor,
  );
  assertEquals(await mainLoop!.waking(port).write(new Uint8Array(1)), 1);
});

Deno.test("a QEMU that emulates, or knows of no KVM, wakes by itself", async () => {
  const answers = [
    () => ({ enabled: false, present: true }),
    () => {
      throw new QmpError("query-kvm", "CommandNotFound", "no such command");
    },
  ];
  for (const answer of answers) {
    assertEquals(await MainLoop.find(qmp(answer), new Kept()), undefined);
  }
});

Deno.test("QEMU's human monitor says nothing to the byte that wakes QEMU", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/monitor`;
  try {
    using listener = Deno.listen({ transport: "unix", path });
    await using qemu = new Deno.Command("qemu-system-x86_64", {
      args: [
        ..."-M none -nodefaults -display none".split(" "),
        ...["-chardev", `socket,id=m,path=${path}`],
        ...["-mon", "chardev=m,mode=readline"],
      ],
      stdin: "null",
    }).spawn();
    using monitor = await listener.accept();
    await monitor.write(new Uint8Array(3));
    await monitor.write(new TextEncoder().encode("info status\nquit\n"));
    const said = await toText(monitor.readable);
    // It echoes a line as a terminal does, again for each key.
    const [, prompt, answer] = said.split("\n");
    assertMatch(prompt, /^\(qemu\) i\W/);
    assertMatch(answer, /^VM status: /);
    assertEquals((await qemu.status).code, 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
