import { assertEquals, assertThrows } from "@std/assert";
import { startedBy } from "../../src/backend/kinds.ts";
import { qemuArguments } from "../../src/backend/qemu/arguments.ts";
import { qemuValue, StartCommand } from "../../src/backend/start_command.ts";
import { shellQuote } from "../../src/shell/mod.ts";
import { UsageError } from "../../src/errors.ts";
import { awkward } from "./awkward.ts";

/**
 * Prints its arguments with a NUL after each, because arguments may have any
 * other character.
 */
const printArguments = "#!/bin/sh\nprintf '%s\\0' \"$@\"\n";

async function underShell(
  command: string,
  options: Deno.CommandOptions = {},
): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command("/bin/sh", {
    ...options,
    args: ["-c", command],
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(success, true);
  return new TextDecoder().decode(stdout);
}

async function script(path: string, text = printArguments): Promise<string> {
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, 0o755);
  return path;
}

Deno.test("the machine's name stands between run- and -vm at the path's end", () => {
  const names: [string, string][] = [
    ["/nix/store/abc-nixos-vm/bin/run-server-vm", "server"],
    ["run-server-vm", "server"],
    ["./run-a-b_c.d-vm", "a-b_c.d"],
    ["/x/run-node1-vm", "node1"],
    ["/x/run-run-vm-vm", "run-vm"],
    ["/x/my-run-server-vm", "server"],
    ["/x/run-1/bin/run-server-vm", "server"],
    ["/x/run-a-vm/bin/run-b-vm", "b"],
    ["/x/run-a\nb-vm", "a\nb"],
    ["/x/run-a b-vm", "a b"],
  ];
  for (const [path, name] of names) {
    assertEquals(
      startedBy(new StartCommand(path)),
      { name, backend: "qemu" },
      path,
    );
  }
});

Deno.test("a container's name stands between run- and -nspawn", () => {
  const command = new StartCommand("/nix/store/abc/bin/run-jail-nspawn");
  assertEquals(startedBy(command), { name: "jail", backend: "nspawn" });
  for (const text of ["run-jail-vm", "run-jail-nspawn -x", "run--nspawn"]) {
    assertEquals(startedBy(new StartCommand(text)).backend, "qemu", text);
  }
});

Deno.test("any other command is named machine", () => {
  for (
    const command of [
      "qemu-system-x86_64 -m 512",
      "/x/run-server-vm -m 512",
      "/x/run--vm",
      "/x/run-server-vm/start",
      "/x/run-server",
    ]
  ) {
    assertEquals(
      startedBy(new StartCommand(command)),
      { name: "machine", backend: "qemu" },
      command,
    );
  }
});

Deno.test("an empty command and one with a NUL byte are refused", () => {
  for (const command of ["", " ", "\n"]) {
    assertThrows(
      () => new StartCommand(command),
      UsageError,
      "Expected a start script or a command, got none",
    );
  }
  assertThrows(() => new StartCommand("a\0b"), UsageError, "NUL");
});

Deno.test("shellQuote() makes one word of any text", async () => {
  const words = [...awkward, "", "-n", "~", "*", "a\n", "\n", "'", "a'b'c"];
  assertEquals(
    await underShell(`printf '%s\\0' ${words.map(shellQuote).join(" ")}`),
    words.map((word) => `${word}\0`).join(""),
  );
});

Deno.test("shellQuote() leaves plain paths as they are", () => {
  assertEquals(shellQuote("/tmp/a-b_c.d:1,2=3@x%+"), "/tmp/a-b_c.d:1,2=3@x%+");
});

Deno.test("a start script of any path gets exactly the arguments", async () => {
  const directory = await Deno.makeTempDir();
  try {
    for (const name of awkward) {
      await Deno.mkdir(`${directory}/${name}`);
      const path = await script(`${directory}/${name}/run-${name}-vm`);
      const command = new StartCommand(path);
      assertEquals(command.isFile, true);
      assertEquals(startedBy(command).name, name);
      assertEquals(
        await underShell(command.commandLine(awkward)),
        awkward.map((word) => `${word}\0`).join(""),
      );
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a relative path means the directory of the driver, wherever QEMU runs", async () => {
  const directory = await Deno.makeTempDir({ dir: ".", prefix: "run-" });
  try {
    const path = await script(`${directory}/run-a-vm`);
    assertEquals(
      await underShell(new StartCommand(path).commandLine(["x"]), { cwd: "/" }),
      "x\0",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a start script takes the place of the shell", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = await script(`${directory}/a`, "#!/bin/sh\necho $$ $PPID\n");
    const { stdout } = await new Deno.Command("/bin/sh", {
      args: ["-c", new StartCommand(path).commandLine([])],
    }).output();
    const [, parent] = new TextDecoder().decode(stdout).trim().split(" ");
    assertEquals(Number(parent), Deno.pid);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a command line is the shell's, with the arguments appended", async () => {
  const lines: [string, string][] = [
    [`printf '%s\\0'`, "-a\0b c\0"],
    [`X='a b'; printf '%s\\0' "$X"`, "a b\0-a\0b c\0"],
    [`exec printf '%s\\0' `, "-a\0b c\0"],
    // As a template literal of several lines ends.
    [`printf '%s\\0' \\\n  x\n`, "x\0-a\0b c\0"],
  ];
  for (const [line, printed] of lines) {
    const command = new StartCommand(line);
    assertEquals(command.isFile, false);
    assertEquals(await underShell(command.commandLine(["-a", "b c"])), printed);
  }
});

Deno.test("a start script sees the environment it is given", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = await script(
      `${directory}/a`,
      `#!/bin/sh\nprintf '%s\\0' "$TMPDIR" "$QEMU_VDE_SOCKET_1"\n`,
    );
    for (const name of awkward) {
      assertEquals(
        await underShell(new StartCommand(path).commandLine([]), {
          env: { TMPDIR: name, QEMU_VDE_SOCKET_1: name },
        }),
        `${name}\0${name}\0`,
      );
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("qemuValue() doubles commas", () => {
  assertEquals(qemuValue("a,b,,c"), "a,,b,,,,c");
});

function argumentsOf(
  options: { allowReboot?: boolean; display?: boolean; directory?: string },
): string[] {
  const { allowReboot = false, display = false, directory = "/s" } = options;
  return qemuArguments({
    socket: (name) => `${directory}/${name}`,
    allowReboot,
    display,
  });
}

Deno.test("QEMU gets QMP, the shell's console, entropy and the serial port", () => {
  const line = argumentsOf({}).join(" ");
  for (
    const part of [
      "-chardev socket,id=vw-qmp,path=/s/qmp -qmp chardev:vw-qmp",
      "-chardev socket,id=vw-shell,path=/s/shell " +
      "-device virtconsole,bus=vw.0,chardev=vw-shell",
      "-device virtio-rng",
      "-serial stdio",
    ]
  ) {
    assertEquals(line.includes(part), true, part);
  }
});

Deno.test("QEMU ends at a reset unless the guest may reboot", () => {
  assertEquals(argumentsOf({}).includes("-no-reboot"), true);
  assertEquals(
    argumentsOf({ allowReboot: true }).includes("-no-reboot"),
    false,
  );
});

Deno.test("QEMU has no window where there is no display", () => {
  assertEquals(argumentsOf({}).includes("-nographic"), true);
  assertEquals(argumentsOf({ display: true }).includes("-nographic"), false);
});

Deno.test("commas in a socket's path do not end the option", () => {
  assertEquals(
    argumentsOf({ directory: "/a,b" })[1],
    "socket,id=vw-qmp,path=/a,,b/qmp",
  );
});

Deno.test("there are no more ports than QEMU can tell a booting guest of", () => {
  const devices = argumentsOf({}).filter((word) =>
    /^virt(console|serialport),/.test(word)
  );
  assertEquals(devices.length, 15);
});
