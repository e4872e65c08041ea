// Runs tests on KVM, in a machine whose processor QEMU emulates with AMD's
// virtualisation:
//
//   deno task lab [--yes] [--long] [PATH…]
//
// Without more, one guest is started on KVM there by the bundle; --long runs
// tests of the project besides, or those whose paths are given. The variable
// VMWRIGHT_LAB_QEMU names the QEMU of the outer machine, instead of the one on
// PATH; VMWRIGHT_FIRECRACKER and VMWRIGHT_CLOUD_HYPERVISOR name programs that are
// tried in it, VMWRIGHT_CLASSIC_DRIVER the directory of the driver that is measured
// in it beside this one. Ends with status 3 where the outer machine stood still.

import { parseArgs } from "@std/cli/parse-args";
import { TestFailure } from "../../mod.ts";
import { shellQuote } from "../../src/shell/mod.ts";
import { ensureTools, type GuestName } from "../guests/mod.ts";
import { run } from "../guests/run.ts";
import { junitCases } from "../junit_cases.ts";
import { type Hypervisor, makeCargo } from "./cargo.ts";
import { labImage } from "./image.ts";
import { LabFrozen, type LabMachine, runIn, startLab } from "./machine.ts";

/** What the long part runs where nothing is named. */
const chosen = [
  "tests/lab/kvm.ts",
  "tests/lab/hypervisors.ts",
  "tests/lab/classic_driver.ts",
  "tests/machine/contract_vm_test.ts",
  "tests/stand_in/firecracker_vm_test.ts",
  "tests/stand_in/cloud_hypervisor_vm_test.ts",
  "tests/lab/kvm_snapshots.ts",
  "tests/backend/accelerator_test.ts",
  "tests/backend/qemu_test.ts",
  "tests/guests/tiny_vm_test.ts",
  "tests/machine/commands/commands_vm_test.ts",
  "tests/machine/waits/waits_vm_test.ts",
  "tests/machine/files/files_vm_test.ts",
  "tests/machine/death_vm_test.ts",
  "tests/machine/frozen_test.ts",
  "tests/machine/reboot_vm_test.ts",
  "tests/machine/network_vm_test.ts",
  "tests/shell/load_vm_test.ts",
];
/** Seconds that one guest on KVM may take in there, and a file of tests. */
const SHORT_TIMEOUT = 900, FILE_TIMEOUT = 3600;
/** The hypervisors that take KVM, by the variables that name their programs. */
const HYPERVISORS = {
  VMWRIGHT_FIRECRACKER: "firecracker",
  VMWRIGHT_CLOUD_HYPERVISOR: "cloud-hypervisor",
};
/** The variables of this program that the tests in there have, too. */
const PASSED_ON = [
  "VMWRIGHT_LAB_STARTS",
  "VMWRIGHT_LAB_ROUNDS",
  "VMWRIGHT_FIRECRACKER_ARGS",
];
/** The exit status where the outer machine stood still. */
const FROZEN = 3;

const { yes, long, _: paths } = parseArgs(Deno.args, {
  boolean: ["yes", "long"],
  unknown: (argument, name) => {
    if (name === undefined) return;
    console.error(`expected --yes, --long or test files, got ${argument}`);
    Deno.exit(2);
  },
});
Deno.exit(await main());

async function main(): Promise<number> {
  const directory = await Deno.makeTempDir({ prefix: "vmwright-lab-" });
  try {
    await ensureTools({ yes });
    const qemu = Deno.env.get("VMWRIGHT_LAB_QEMU") ?? "qemu-system-x86_64";
    const version = new TextDecoder().decode(await run(qemu, ["--version"]))
      .split("\n")[0];
    console.log(`The lab's machine runs on ${version}`);
    const files = paths.length > 0 ? paths.map(String) : long ? chosen : [];
    const guests: GuestName[] = files.length > 0
      ? ["tiny", "tiny-busybox", "tiny-bare", "micro"]
      : ["tiny"];
    const hypervisors = await givenHypervisors();
    const classicDriver = givenClassicDriver();
    const image = await labImage((text) => console.error(text));
    const cargo = await makeCargo(directory, guests, {
      hypervisors,
      classicDriver,
    });
    const began = performance.now();
    await using lab = await startLab(image, { qemu, cargo, outDir: directory });
    console.log(`It booted in ${since(began)} s`);
    return await runAll(lab, files);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return error instanceof LabFrozen ? FROZEN : 1;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The hypervisors that the environment names, each with its version. */
async function givenHypervisors(): Promise<Hypervisor[]> {
  const given: Hypervisor[] = [];
  for (const [variable, name] of Object.entries(HYPERVISORS)) {
    const path = Deno.env.get(variable);
    if (path === undefined) {
      console.log(`Its tests of ${name} are skipped: ${variable} names none`);
      continue;
    }
    const version = new TextDecoder().decode(await run(path, ["--version"]))
      .split("\n")[0];
    console.log(`It is given ${version}`);
    given.push({ name, path });
  }
  return given;
}

/** The directory that the environment names. */
function givenClassicDriver(): string | undefined {
  const path = Deno.env.get("VMWRIGHT_CLASSIC_DRIVER");
  console.log(
    path === undefined
      ? "Its comparison with the classic driver is skipped: " +
        "VMWRIGHT_CLASSIC_DRIVER names none"
      : `It is given the classic driver in ${path}`,
  );
  return path;
}

/** Runs the short part, then files; the exit status. */
async function runAll(
  { machine }: LabMachine,
  files: readonly string[],
): Promise<number> {
  const began = performance.now();
  const { status, output } = await runIn(
    machine,
    "a guest on KVM",
    "bash /cargo/project/tests/lab/short.sh 2>&1 </dev/null",
    { timeout: SHORT_TIMEOUT },
  );
  console.log(output.trimEnd());
  if (status !== 0) {
    throw new TestFailure(`A guest on KVM failed in the lab: status ${status}`);
  }
  console.log(`A guest on KVM passed in ${since(began)} s`);

  const count = { passed: 0, failed: 0, ignored: 0 };
  for (const file of files) {
    console.log(`\n# ${file}`);
    try {
      await runIn(
        machine,
        file,
        "cd /cargo/project; rm -f /tmp/junit.xml; . tests/lab/environment.sh; " +
          passedOn() +
          "deno test -A --no-check --cached-only --junit-path=/tmp/junit.xml " +
          `${file} </dev/null >/tmp/said 2>&1`,
        { timeout: FILE_TIMEOUT },
      );
    } catch (error) {
      if (!(error instanceof TestFailure)) throw error;
      console.log(error.message);
    }
    const { output: xml } = await runIn(
      machine,
      "cat",
      "cat /tmp/junit.xml 2>/dev/null",
      { timeout: 60 },
    );
    const cases = junitCases(xml);
    for (const { name, outcome, seconds, failure } of cases) {
      console.log(`${outcome}: ${name} (${seconds.toFixed(1)} s)`);
      if (failure !== undefined) console.log(failure);
      count[outcome]++;
    }
    const { output: said } = await runIn(
      machine,
      "grep",
      // Without cases, what Deno said is all that there is.
      cases.length > 0
        ? "grep -E '^(measured|Skipped): ' /tmp/said"
        : "tail -n 50 /tmp/said",
      { timeout: 60 },
    );
    if (said !== "") console.log(said.trimEnd());
    if (cases.length === 0) count.failed++;
  }
  if (files.length > 0) {
    console.log(
      `\n${count.passed} passed, ${count.failed} failed, ` +
        `${count.ignored} ignored on KVM`,
    );
  }
  return count.failed === 0 ? 0 : 1;
}

/** Commands that set the variables that are passed on. */
function passedOn(): string {
  return PASSED_ON.map((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? "" : `export ${name}=${shellQuote(value)}; `;
  }).join("");
}

function since(began: number): string {
  return ((performance.now() - began) / 1000).toFixed(1);
}
