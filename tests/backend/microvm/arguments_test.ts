/** With what arguments hypervisors of microVMs are started. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CloudHypervisorBackend } from "../../../src/backend/cloud_hypervisor/cloud_hypervisor.ts";
import { FirecrackerBackend } from "../../../src/backend/firecracker/firecracker.ts";
import { StartCommand, Supervisor } from "../../../src/backend/mod.ts";
import { MachineError } from "../../../src/errors.ts";
import { temporaryDirectory } from "../../cli/vmwright.ts";

const HYPERVISORS = [
  {
    name: "firecracker",
    variable: "VMWRIGHT_FIRECRACKER",
    Backend: FirecrackerBackend,
    description: { "boot-source": { kernel_image_path: "none" } },
    withoutFilters: "--no-seccomp",
  },
  {
    name: "cloud-hypervisor",
    variable: "VMWRIGHT_CLOUD_HYPERVISOR",
    Backend: CloudHypervisorBackend,
    description: { payload: { kernel: "none" } },
    withoutFilters: "--seccomp false",
  },
];

/** The arguments of a hypervisor that ends at once. */
async function argumentsOf(
  { name, variable, Backend, description }: typeof HYPERVISORS[number],
  more?: string,
): Promise<string> {
  using directory = temporaryDirectory({
    [name]: `#!/bin/sh\necho "$@" >"\${0%/*}/arguments"\nexit 3\n`,
    [`run-web-${name}.json`]: JSON.stringify(description),
  });
  const { path } = directory;
  Deno.chmodSync(`${path}/${name}`, 0o755);
  await Deno.mkdir(`${path}/state`);
  const set = { [variable]: `${path}/${name}`, [`${variable}_ARGS`]: more };
  const before = Object.keys(set).map((name) =>
    [name, Deno.env.get(name)] as const
  );
  const change = (variables: Iterable<readonly [string, string?]>) => {
    for (const [name, value] of variables) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  };
  change(Object.entries(set));
  const nothing = () => {};
  try {
    await using supervisor = new Supervisor();
    await assertRejects(
      () =>
        new Backend(supervisor).start({
          name: "web",
          startCommand: new StartCommand(`${path}/run-web-${name}.json`),
          stateDir: `${path}/state`,
          sharedDir: path,
        }, {
          serial: nothing,
          serialEnd: nothing,
          complaint: nothing,
          portClosed: nothing,
          reset: nothing,
          panicked: nothing,
          stoppedForGood: nothing,
        }),
      MachineError,
    );
  } finally {
    change(before);
  }
  return (await Deno.readTextFile(`${path}/arguments`)).trimEnd();
}

for (const hypervisor of HYPERVISORS) {
  const { name, variable, withoutFilters } = hypervisor;
  Deno.test(`${name} keeps its seccomp filters, unless its user says otherwise`, async () => {
    const words = await argumentsOf(hypervisor);
    assertEquals(words.includes("seccomp"), false, words);
    const more = await argumentsOf(hypervisor, withoutFilters);
    assert(more.endsWith(` ${withoutFilters}`), `${variable}_ARGS: ${more}`);
  });
}
