import { assertEquals } from "@std/assert";
import { kinds, StartCommand, startedBy } from "../../src/backend/mod.ts";
import { qemuNeeds } from "../../src/backend/qemu/needs.ts";
import type { HistoryEntry } from "../../src/suite/history.ts";
import { settingOf } from "../../src/suite/machines_of.ts";
import { needsOf } from "../../src/suite/needs.ts";
import { parseSize, shownSize } from "../../src/suite/size.ts";
import { temporaryDirectory } from "../cli/vmwright.ts";

const MIB = 2 ** 20;

const commands: [string, string, number | undefined, number | undefined][] = [
  ["qemu-system-x86_64 -m 512 -smp 2", "", 512, 2],
  ["qemu-system-x86_64 -m size=2G,slots=2 -smp cpus=4,cores=2", "", 2048, 4],
  ["qemu-system-x86_64 -m 2g -smp 8,sockets=2", "", 2048, 8],
  ["qemu-system-x86_64", "", 128, 1],
  ["qemu-system-x86_64 -m 512", "-m 1024", 1024, 1],
  ['qemu-system-x86_64 -m "$memory" -smp $cores', "", undefined, undefined],
  ["# -m 9999\nqemu-system-x86_64 -m 64M -machine pc", "", 64, 1],
];
for (const [text, environment, memory, cores] of commands) {
  Deno.test(`a start script takes ${memory} MiB and ${cores} cores: ${text} ${environment}`, () => {
    using folder = temporaryDirectory({ "run-a-vm": `#!/bin/sh\n${text}\n` });
    assertEquals(
      qemuNeeds(new StartCommand(`${folder.path}/run-a-vm`), environment),
      { memory: memory && memory * MIB, cores },
    );
  });
}

Deno.test("the file of a microVM tells what it takes", () => {
  using folder = temporaryDirectory({
    "run-a-firecracker.json": JSON.stringify({
      "machine-config": { vcpu_count: 2, mem_size_mib: 512 },
    }),
    "run-b-firecracker.json": "{}",
    "run-c-firecracker.json": "[",
    "run-d-cloud-hypervisor.json": JSON.stringify({
      memory: { size: 256 * MIB },
      cpus: { boot_vcpus: 3 },
    }),
  });
  const needs = ["a-firecracker", "b-firecracker", "d-cloud-hypervisor"].map(
    (name) => {
      const command = new StartCommand(`${folder.path}/run-${name}.json`);
      return kinds[startedBy(command).backend].needs?.(command);
    },
  );
  assertEquals(needs, [
    { memory: 512 * MIB, cores: 2 },
    { memory: 128 * MIB, cores: 1 },
    { memory: 256 * MIB, cores: 3 },
  ]);
  const broken = new StartCommand(`${folder.path}/run-c-firecracker.json`);
  assertEquals(kinds.firecracker.needs?.(broken), {});
});

function entry(memory: number | undefined, duration: number): HistoryEntry {
  return {
    test: "t",
    date: 0,
    verdict: "passed",
    duration,
    attempts: 1,
    memory,
  };
}

Deno.test("a test is expected to take its machines' memory, until it was measured to take less", () => {
  using folder = temporaryDirectory({
    "run-a-vm": "#!/bin/sh\nqemu-system-x86_64 -m 1024 -smp 2 $@\n",
    "run-b-vm": "#!/bin/sh\nqemu-system-x86_64 -m 512 $@\n",
    "web.json": JSON.stringify({
      vms: { a: { start_script: "run-a-vm" } },
      containers: { c: { start_script: "run-c-nspawn" } },
      test_script: "web.py",
      global_timeout: 60,
    }),
  });
  const test = {
    name: "t",
    tags: [],
    startScripts: ["./run-a-vm", "./run-b-vm"],
    script: "t.py",
  };
  const setting = settingOf(test, folder.path);
  const declared = (1024 + 512 + 2 * 64 + 128) * MIB;
  assertEquals(needsOf(test, setting), {
    memory: declared,
    declared,
    cores: 3,
    duration: undefined,
  });
  const typed = { ...test, script: "t.ts" };
  assertEquals(
    needsOf(typed, settingOf(typed, folder.path)).memory,
    declared + 256 * MIB,
    "with the check of its types",
  );
  assertEquals(
    needsOf(test, setting, [entry(400 * MIB, 5), entry(300 * MIB, 7)]),
    { memory: 500 * MIB, declared, cores: 3, duration: 5 },
  );
  // Forks of machines take more than a command line says.
  assertEquals(
    needsOf(test, setting, [entry(9000 * MIB, 5)]).memory,
    9000 * MIB,
  );
  const own = { ...test, memory: "3G", cores: 8 };
  assertEquals(needsOf(own, setting, [entry(1, 5)]), {
    memory: 3072 * MIB,
    declared,
    cores: 8,
    duration: 5,
  });
  const config = { name: "c", tags: [], config: "web.json" };
  const found = settingOf(config, folder.path);
  assertEquals([found.script, found.timeout], [`${folder.path}/web.py`, 60]);
  assertEquals(
    needsOf(config, found).memory,
    (1024 + 64 + 1024 + 64 + 128) * MIB,
    "with 1 GiB of a container, of which nothing is known",
  );
});

Deno.test("amounts of memory are those of QEMU", () => {
  for (
    const [text, bytes] of [
      ["512", 512 * MIB],
      ["8G", 8 * 2 ** 30],
      ["1.5g", 1.5 * 2 ** 30],
      ["100k", 102400],
      ["2 GiB", 2 * 2 ** 30],
      ["0", undefined],
      ["much", undefined],
      ["-1", undefined],
      ["1P", undefined],
    ] as const
  ) assertEquals(parseSize(text), bytes, text);
  assertEquals(shownSize(1.5 * 2 ** 30), "1.5 GiB");
  assertEquals(shownSize(200 * 2 ** 30), "200 GiB");
  assertEquals(shownSize(1), "1 MiB");
});
