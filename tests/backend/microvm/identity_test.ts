import { assertEquals, assertThrows } from "@std/assert";
import { demandSame } from "../../../src/backend/identity.ts";
import { readDescription } from "../../../src/backend/microvm/description.ts";
import { microVmIdentity } from "../../../src/backend/microvm/identity.ts";
import { StartCommand } from "../../../src/backend/mod.ts";
import { MachineError } from "../../../src/errors.ts";
import { temporaryDirectory } from "../../cli/vmwright.ts";

function identity(version: string, description: unknown) {
  using directory = temporaryDirectory({ d: JSON.stringify(description) });
  const command = new StartCommand(`${directory.path}/d`);
  const read = readDescription(command, "web", "Firecracker");
  return {
    path: directory.path,
    identity: microVmIdentity("Firecracker", version, read),
  };
}

const FULL = {
  "boot-source": { kernel_image_path: "/vmlinux", boot_args: "path=x" },
  "machine-config": { mem_size_mib: 128 },
};

Deno.test("a saved microVM depends on its description, with absolute paths", () => {
  const { identity: one, path } = identity("1.17.0", {
    drives: [{ drive_id: "a", path_on_host: "a.img" }],
  });
  assertEquals(one.description.split("\0"), [
    "{",
    '"drives": [',
    "{",
    '"drive_id": "a",',
    `"path_on_host": "${path}/a.img"`,
    "}",
    "]",
    "}",
  ]);
});

Deno.test("a microVM does not go on from the snapshot of another", () => {
  const { identity: was } = identity("1.17.0", FULL);
  demandSame(was, identity("1.17.0", FULL).identity, "web");
  const others: [ReturnType<typeof identity>, string][] = [
    [
      identity("1.18.0", FULL),
      "its version of Firecracker is 1.18.0, and was 1.17.0",
    ],
    [
      identity("1.17.0", { ...FULL, "machine-config": { mem_size_mib: 256 } }),
      'its description is another: it has `"mem_size_mib": 256` where the saved one had ' +
      '`"mem_size_mib": 128`',
    ],
  ];
  for (const [{ identity: is }, message] of others) {
    assertThrows(() => demandSame(was, is, "web"), MachineError, message);
  }
});
