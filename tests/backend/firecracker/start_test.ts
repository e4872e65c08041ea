/** Starts of Firecracker that fail, by programs that act as it does then. */
import { assertEquals, assertRejects } from "@std/assert";
import { FirecrackerBackend } from "../../../src/backend/firecracker/firecracker.ts";
import { StartCommand, Supervisor } from "../../../src/backend/mod.ts";
import { MachineError } from "../../../src/errors.ts";
import { temporaryDirectory } from "../../cli/vmwright.ts";
import { quoted } from "../../guests/start_script.ts";
import { standIn } from "../../stand_in/programs.ts";

const VARIABLE = "VMWRIGHT_FIRECRACKER";

/** The message of a start that fails, and what the console said. */
async function failure(
  program: string,
  description: unknown = { "boot-source": { kernel_image_path: "none" } },
): Promise<{ error: MachineError; console: string[]; left: string[] }> {
  using directory = temporaryDirectory();
  // No socket's path may be as long as this one.
  const stateDir = `${directory.path}/${"long".repeat(30)}`;
  await Deno.mkdir(stateDir);
  const file = `${directory.path}/run-web-firecracker.json`;
  await Deno.writeTextFile(file, JSON.stringify(description));
  const before = Deno.env.get(VARIABLE);
  Deno.env.set(VARIABLE, program);
  const console: string[] = [];
  const nothing = () => {};
  try {
    await using supervisor = new Supervisor();
    const backend = new FirecrackerBackend(supervisor);
    const error = await assertRejects(
      () =>
        backend.start({
          name: "web",
          startCommand: new StartCommand(file),
          stateDir,
          sharedDir: directory.path,
        }, {
          serial: (bytes) => void console.push(new TextDecoder().decode(bytes)),
          serialEnd: () => void console.push("end"),
          complaint: nothing,
          portClosed: nothing,
          reset: nothing,
          panicked: nothing,
          stoppedForGood: nothing,
        }),
      MachineError,
    );
    return {
      error,
      console,
      left: [...Deno.readDirSync(stateDir)].map(({ name }) => name),
    };
  } finally {
    if (before === undefined) Deno.env.delete(VARIABLE);
    else Deno.env.set(VARIABLE, before);
  }
}

function script(text: string): Disposable & { path: string } {
  const directory = temporaryDirectory({ firecracker: `#!/bin/sh\n${text}\n` });
  Deno.chmodSync(`${directory.path}/firecracker`, 0o755);
  return {
    path: `${directory.path}/firecracker`,
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

Deno.test("a Firecracker that ends at once is quoted", async () => {
  using program = script(
    "echo on stdout; echo on stderr >&2; echo in the log >>$6; exit 3",
  );
  const { error, console, left } = await failure(program.path);
  assertEquals(
    error.message,
    "web did not start: Firecracker ended with status 3, and said last:\n" +
      "on stdout\non stderr\nin the log",
  );
  // What it said itself is not the guest's console.
  assertEquals(console, []);
  assertEquals(left, ["firecracker.log"]);
});

Deno.test("a Firecracker that is too old is refused, and ended", async () => {
  using program = script(
    `exec ${quoted(Deno.execPath())} eval --quiet ${
      quoted(
        'Deno.serve({ transport: "unix", path: Deno.args[1], onListen() {} }, ' +
          '() => Response.json({ firecracker_version: "1.15.2" }));',
      )
    } "$@"`,
  );
  const { error } = await failure(program.path);
  assertEquals(
    error.message,
    "web did not start: Expected Firecracker 1.16.1 or newer, got 1.15.2: " +
      "older versions lose bytes on virtual sockets",
  );
});

Deno.test("what Firecracker refuses is told with its request", async () => {
  using directory = temporaryDirectory();
  const program = await standIn("firecracker", directory.path);
  const { error, left } = await failure(program);
  assertEquals(
    error.message.replace(/\/\S*\/none/, "…/none"),
    "web did not start: Firecracker refused PUT /boot-source with status 400: " +
      "Boot source error: The kernel file cannot be opened: No such file or " +
      "directory (os error 2)",
  );
  assertEquals(left, ["firecracker.log"]);
});
