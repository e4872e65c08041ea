/** What each hypervisor gives its machines, and the table of it in the README. */
import { assertEquals } from "@std/assert";
import { Driver, Log } from "../../mod.ts";
import { type BackendName, kinds } from "../../src/backend/mod.ts";
import {
  BaseMachine,
  coreOf,
  SPECIAL,
  type Special,
} from "../../src/machine/mod.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

const names = Object.keys(kinds) as BackendName[];
const specials = Object.keys(SPECIAL) as Special[];

/** The methods that a backend's machines have, of those that not all have. */
async function methodsOf(backend: BackendName): Promise<Special[]> {
  using directory = temporaryDirectory();
  await using driver = await Driver.create({
    machines: [{ name: "one", startCommand: "/nowhere/start", backend }],
    outDir: directory.path,
    log: new Log([]),
  });
  const [machine]: BaseMachine[] = driver.machines;
  assertEquals(coreOf(machine).context.backend.kind, kinds[backend]);
  const own: object[] = [];
  let prototype = Object.getPrototypeOf(machine);
  // The class of all machines refuses what the others do not offer.
  for (; prototype !== BaseMachine.prototype;) {
    own.push(prototype);
    prototype = Object.getPrototypeOf(prototype);
  }
  return specials.filter((name) => own.some((one) => Object.hasOwn(one, name)));
}

Deno.test("a machine has the methods for what its hypervisor gives, and no others", async () => {
  for (const name of names) {
    const { gives } = kinds[name];
    // The firmware is the guest's own.
    const hasFirmware = name === "qemu";
    const expected = specials.filter((method) => {
      const need = SPECIAL[method];
      return need === "firmware" ? hasFirmware : gives.has(need);
    });
    assertEquals(await methodsOf(name), expected, name);
  }
});

Deno.test("the examples' README has the table of methods and hypervisors", async () => {
  const rows = new Map<string, string[]>();
  const methods = await Promise.all(names.map(methodsOf));
  for (const method of specials) {
    const can = methods.map((own) => own.includes(method) ? "yes" : "–");
    const key = can.join(" | ");
    rows.set(key, [...rows.get(key) ?? [], `\`${method}\``]);
  }
  const all = names.map(() => "yes").join(" | ");
  const facts: [string, (name: BackendName) => boolean | undefined][] = [
    ["`start({ allowReboot: true })`", (name) => kinds[name].reboots],
    ["`start({ fastForward: true })`", (name) => kinds[name].fastForwards],
    ["`snapshot()`", (name) => kinds[name].gives.has("snapshots")],
    [
      "`shellInteract()`",
      // A container has a terminal of the host's.
      (name) => kinds[name].gives.has("consoles") || name === "nspawn",
    ],
  ];
  const lines = [
    ["methods", ...names.map((name) => kinds[name].hypervisor)],
    ["all others", all],
    ...[...rows].map(([can, methods]) => [methods.join(", "), can]),
    ...facts.map(([what, can]) => [
      what,
      ...names.map((name) => can(name) ? "yes" : "–"),
    ]),
  ].map((cells) => `| ${cells.join(" | ")} |`);
  const readme = await Deno.readTextFile(
    new URL("../../examples/README.md", import.meta.url),
  );
  const table = /^\| methods [^]*?\n\n/m.exec(readme)?.[0] ?? "";
  const found = table.trim().split("\n")
    .filter((line) => !/^\| -/.test(line))
    .map((line) => line.replaceAll(/ +\|/g, " |").replaceAll(/\| +/g, "| "));
  assertEquals(found, lines);
});
