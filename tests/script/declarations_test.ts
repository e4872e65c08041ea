import { assertEquals, assertMatch } from "@std/assert";
import { Driver } from "../../mod.ts";
import { Log } from "../../src/report/mod.ts";
import { assertions } from "../../src/script/assertions.ts";
import {
  declarations,
  type ScriptNames,
  typesOfNames,
} from "../../src/script/declarations.ts";
import { bindGlobals } from "../../src/script/globals.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

/** Machines of QEMU's, without networks. */
function named(names: string[]): ScriptNames {
  return {
    machines: names.map((name) => ({ name, backend: "qemu" })),
    vlans: [],
  };
}

for (const machines of [["web"], ["web-1", "9p"], []]) {
  Deno.test(`every name of a driver with ${machines.length} machines has a type`, async () => {
    using directory = temporaryDirectory();
    await using driver = await Driver.create({
      machines: machines.map((name) => ({ name, startCommand: "true" })),
      outDir: directory.path,
      log: new Log([]),
    });
    assertEquals(
      [...typesOfNames(named(machines)).keys()].sort(),
      Object.keys(driver.bindings()).sort(),
    );
  });
}

Deno.test("networks have names too", () => {
  const types = typesOfNames({ machines: [], vlans: [0, 12] });
  assertEquals([types.get("vlan0"), types.get("vlan12")], ["Vlan", "Vlan"]);
});

Deno.test("every assertion has a type", () => {
  const text = declarations({ machines: [], vlans: [] }, "file:///mod.ts");
  for (const name of Object.keys(assertions)) {
    assertMatch(text, new RegExp(`^ {2}(function|class) ${name}\\b`, "m"));
  }
});

Deno.test("a name that JavaScript has is not declared again", () => {
  const text = declarations(named(["console"]), "x");
  assertEquals(/const console\b/.test(text), false);
});

Deno.test("a machine whose name is a reserved word is not declared", () => {
  const machines = ["default", "let", "await", "type"];
  const text = declarations(named(machines), "x");
  assertMatch(
    text,
    /"default" is a reserved word: find that machine in machines\./,
  );
  assertEquals(/const (default|let|await)\b/.test(text), false);
  assertMatch(text, /const type: MachineOf<"qemu">;/);
});

Deno.test("a name that is bound at present is declared, too", () => {
  using _bound = bindGlobals({ web: 1 });
  const text = declarations(named(["web"]), "x");
  assertMatch(text, /const web: MachineOf<"qemu">;/);
});

Deno.test("each machine has the type of its kind, and those of both kinds together", () => {
  const types = typesOfNames({
    machines: [
      { name: "web", backend: "qemu" },
      { name: "jail", backend: "nspawn" },
    ],
    vlans: [],
  });
  assertEquals(types.get("web"), `MachineOf<"qemu">`);
  assertEquals(types.get("jail"), `MachineOf<"nspawn">`);
  assertEquals(types.get("machines"), `MachineOf<"nspawn" | "qemu">[]`);
  assertEquals(types.get("driver"), `Driver<"nspawn" | "qemu">`);
});
