import { assertEquals } from "@std/assert";
import * as mod from "../mod.ts";

/** A symbol as `deno doc --json` describes it, as far as it concerns us. */
interface Documented {
  readonly name: string;
  readonly declarations: readonly {
    readonly kind: string;
    readonly def?: {
      readonly constructors?: readonly { readonly accessibility?: string }[];
      readonly methods?: readonly Member[];
      readonly properties?: readonly Member[];
    };
  }[];
}

interface Member {
  readonly name: string;
  readonly accessibility?: string;
}

async function documented(): Promise<Documented[]> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", new URL("../mod.ts", import.meta.url).href],
    stderr: "inherit",
  }).output();
  assertEquals(success, true);
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const [{ symbols }] = Object.values<{ symbols: Documented[] }>(nodes);
  return symbols;
}

const exported: Record<string, unknown> = mod;
const symbols = await documented();

/** What an author of tests, of a listener or of a runner is meant to hold. */
const names = [
  "Attributes",
  "BackendName",
  "BackendOf",
  "BaseMachine",
  "Capture",
  "CloudHypervisorMachine",
  "ConditionFailure",
  "ContainerMachine",
  "Debug",
  "Disk",
  "Driver",
  "DriverOptions",
  "EfiVariable",
  "ErrorReport",
  "EventFileListener",
  "ExecuteOptions",
  "ExpectedError",
  "Fault",
  "Fork",
  "GlobalTimeout",
  "GuestDied",
  "HtmlListener",
  "JunitListener",
  "Link",
  "LinkSettings",
  "Listener",
  "Log",
  "LogLevel",
  "Machine",
  "MachineConfiguration",
  "MachineError",
  "MachineOf",
  "MicroVmMachine",
  "PollingCondition",
  "Position",
  "QemuMachine",
  "QmpClient",
  "QmpClosed",
  "QmpError",
  "QmpEvent",
  "RetryOptions",
  "RunEvent",
  "RunEvents",
  "SnakeCased",
  "Snapshot",
  "SnapshotOptions",
  "Step",
  "SubtestFailures",
  "SubtestOptions",
  "Suite",
  "SuiteOptions",
  "SuiteTest",
  "TerminalListener",
  "TerminalOptions",
  "TestFailure",
  "TestOptions",
  "TestResult",
  "UsageError",
  "Verdict",
  "Vlan",
  "WaitOptions",
  "XmlListener",
  "accelerator",
  "deathPatterns",
  "efiAttributes",
  "retry",
  "runSuite",
  "runTest",
];

Deno.test("mod.ts exports the API for authors, and nothing else", () => {
  assertEquals(symbols.map(({ name }) => name).sort(), names);
});

Deno.test("no name of mod.ts hides a global", () => {
  assertEquals(
    symbols.map(({ name }) => name).filter((name) => name in globalThis),
    [],
  );
});

Deno.test("mod.ts exports only constructors for authors", () => {
  const callable = symbols.filter(({ name, declarations }) =>
    name in exported && declarations.some(({ kind, def }) =>
      kind === "class" &&
      !def?.constructors?.some(({ accessibility }) =>
        accessibility !== undefined
      )
    )
  ).map(({ name }) => name);
  const errors = Object.entries(exported)
    .filter(([, value]) =>
      typeof value === "function" && value.prototype instanceof Error
    )
    .map(([name]) => name);
  // A program of its own makes a log, and those who listen to it.
  assertEquals(
    callable.filter((name) =>
      !errors.includes(name) && name !== "Log" && !name.endsWith("Listener")
    ),
    [],
  );
});

Deno.test("an author can't feed a machine's console", () => {
  const names = [mod.BaseMachine, mod.QemuMachine, mod.ContainerMachine]
    .flatMap(({ prototype }) => Object.getOwnPropertyNames(prototype));
  assertEquals(names.filter((name) => /^(console|feed|core)$/.test(name)), []);
});

Deno.test("an author can't note or forget failures of a driver's subtests", () => {
  const names = Object.getOwnPropertyNames(mod.Driver.prototype);
  assertEquals(
    names.filter((name) =>
      /^(subtests|goesOn|healSubtest|throwFailures|forget)$/.test(name)
    ),
    [],
  );
});
