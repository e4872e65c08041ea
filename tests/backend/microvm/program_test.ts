import { assertEquals, assertThrows } from "@std/assert";
import {
  demandVersion,
  findProgram,
} from "../../../src/backend/microvm/program.ts";
import { MachineError, UsageError } from "../../../src/errors.ts";
import { temporaryDirectory } from "../../cli/vmwright.ts";

const vmm = { hypervisor: "Vmm", name: "vmm", variable: "VMWRIGHT_TEST_VMM" };

Deno.test("a hypervisor's program is that of its variable, or on PATH", () => {
  using directory = temporaryDirectory({ vmm: "", other: "" });
  const { path } = directory;
  Deno.chmodSync(`${path}/other`, 0o755);
  const PATH = Deno.env.get("PATH")!;
  try {
    Deno.env.set("PATH", `/nowhere:${path}`);
    // It is there, and can't be executed.
    const none = assertThrows(() => findProgram(vmm), UsageError);
    assertEquals(
      none.message,
      "Expected Vmm's program vmm on PATH, or its path in VMWRIGHT_TEST_VMM; " +
        "there is neither",
    );
    Deno.chmodSync(`${path}/vmm`, 0o755);
    assertEquals(findProgram(vmm), `${path}/vmm`);
    // A machine's description goes before PATH, and the variable before both.
    const described = `${path}/described`;
    Deno.writeTextFileSync(described, "");
    const odd = assertThrows(
      () => findProgram({ ...vmm, described }),
      UsageError,
    );
    assertEquals(
      odd.message,
      `Expected Vmm's program in a machine's description, got ${described}, ` +
        "which is no executable file",
    );
    Deno.chmodSync(described, 0o755);
    assertEquals(findProgram({ ...vmm, described }), described);
    Deno.env.set(vmm.variable, `${path}/other`);
    assertEquals(findProgram({ ...vmm, described }), `${path}/other`);
    assertEquals(findProgram(vmm), `${path}/other`);
    Deno.env.set(vmm.variable, path);
    const wrong = assertThrows(() => findProgram(vmm), UsageError);
    assertEquals(
      wrong.message,
      `Expected Vmm's program in VMWRIGHT_TEST_VMM, got ${path}, which is no ` +
        "executable file",
    );
  } finally {
    Deno.env.set("PATH", PATH);
    Deno.env.delete(vmm.variable);
  }
});

Deno.test("a hypervisor that is too old is refused", () => {
  const demand = (version: string) =>
    demandVersion("Vmm", version, [1, 16, 1], "it loses bytes");
  for (const taken of ["1.16.1", "1.17.0-dev", "v1.16.10", "2.0", "53.0"]) {
    demand(taken);
  }
  for (const old of ["1.16.0", "1.16", "1.9.9", "v0.53", "?"]) {
    const error = assertThrows(() => demand(old), MachineError);
    assertEquals(
      error.message,
      `Expected Vmm 1.16.1 or newer, got ${old}: it loses bytes`,
    );
  }
});
