import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Driver, Log } from "../../mod.ts";
import { Supervisor } from "../../src/backend/mod.ts";
import {
  makeOutDirectory,
  makeRunDirectories,
} from "../../src/driver/directories.ts";
import { UsageError } from "../../src/errors.ts";
import { gone } from "../backend/processes.ts";

/** Sets the variables that say where directories go, and a place for them. */
async function withPlace(
  variables: (place: string) => Record<string, string>,
  fn: (place: string) => void | Promise<void>,
): Promise<void> {
  const place = await Deno.makeTempDir();
  const names = ["XDG_RUNTIME_DIR", "TMPDIR"];
  const before = names.map((name) => Deno.env.get(name));
  const cwd = Deno.cwd();
  try {
    Deno.chdir(place);
    for (const name of names) Deno.env.delete(name);
    for (const [name, value] of Object.entries(variables(place))) {
      Deno.env.set(name, value);
    }
    await fn(place);
  } finally {
    Deno.chdir(cwd);
    names.forEach((name, i) => {
      if (before[i] === undefined) Deno.env.delete(name);
      else Deno.env.set(name, before[i]);
    });
    await Deno.remove(place, { recursive: true });
  }
}

const cases: [string, (place: string) => Record<string, string>][] = [
  ["TMPDIR is relative", () => ({ TMPDIR: "some/where" })],
  ["XDG_RUNTIME_DIR is relative", () => ({ XDG_RUNTIME_DIR: "some/where" })],
  [
    "XDG_RUNTIME_DIR is empty",
    (place) => ({ XDG_RUNTIME_DIR: "", TMPDIR: `${place}/some/where` }),
  ],
  [
    "XDG_RUNTIME_DIR is missing",
    (place) => ({ XDG_RUNTIME_DIR: `${place}/some/where` }),
  ],
];

for (const [name, variables] of cases) {
  Deno.test(`a run has absolute directories where ${name}`, async () => {
    await withPlace(variables, async (place) => {
      for (const keep of [false, true]) {
        await using supervisor = new Supervisor();
        const { root, shared, state } = makeRunDirectories(
          keep,
          supervisor,
        );
        for (const path of [root, shared, state("web")]) {
          assert(path.startsWith(`${place}/some/where`), path);
        }
      }
    });
  });
}

Deno.test("no other user can enter a run's directories, whatever the umask", async () => {
  await withPlace((place) => ({ TMPDIR: place }), async () => {
    const umask = Deno.umask(0);
    try {
      for (const keep of [false, true]) {
        await using supervisor = new Supervisor();
        const { shared, sockets } = makeRunDirectories(keep, supervisor);
        for (const path of [shared, sockets]) {
          assertEquals(Deno.statSync(path).mode! & 0o777, 0o700, path);
        }
      }
    } finally {
      Deno.umask(umask);
    }
  });
});

Deno.test("no other user comes to a kept shared directory, whatever mode a guest gives it", async () => {
  await withPlace((place) => ({ TMPDIR: place }), async (place) => {
    for (let run = 0; run < 2; run++) {
      await using supervisor = new Supervisor();
      const { shared } = makeRunDirectories(true, supervisor);
      await Deno.chmod(shared, 0o777);
      const around = shared.slice(0, shared.lastIndexOf("/"));
      assertEquals(around, `${place}/vmwright-shared`);
      assertEquals(Deno.statSync(around).mode! & 0o777, 0o700);
      // As an earlier umask or a person may have left it.
      await Deno.chmod(around, 0o755);
    }
  });
});

Deno.test("a shared directory that others may write to is refused", async () => {
  await withPlace((place) => ({ TMPDIR: place }), async (place) => {
    await Deno.mkdir(`${place}/vmwright-shared`);
    await Deno.chmod(`${place}/vmwright-shared`, 0o777);
    await using supervisor = new Supervisor();
    assertThrows(
      () => makeRunDirectories(true, supervisor),
      UsageError,
      "others may write to (mode 0777)",
    );
  });
});

Deno.test("a path that is not a directory is refused", async () => {
  await using supervisor = new Supervisor();
  await withPlace(() => ({ TMPDIR: "/dev/null/x" }), () => {
    assertThrows(
      () => makeRunDirectories(false, supervisor),
      UsageError,
      "Expected a directory in XDG_RUNTIME_DIR or TMPDIR, got /dev/null/x",
    );
  });
});

Deno.test("the directory of kept files is made if it is missing", async () => {
  const place = await Deno.makeTempDir();
  assertEquals(await makeOutDirectory(`${place}/a/b`), `${place}/a/b`);
  assert((await Deno.stat(`${place}/a/b`)).isDirectory);
  await Deno.writeTextFile(`${place}/file`, "");
  await assertRejects(
    () => makeOutDirectory(`${place}/file`),
    UsageError,
    `Expected a directory for files at ${place}/file, which can't be made`,
  );
  await Deno.remove(place, { recursive: true });
});

Deno.test("an output directory that a driver makes is removed if the driver can't be made", async () => {
  await withPlace((place) => ({ TMPDIR: place }), async (place) => {
    await using log = new Log();
    const machines = ["run-a-vm", "there/run-a-vm"];
    await assertRejects(() => Driver.create({ log, machines }), UsageError);
    assertEquals([...Deno.readDirSync(place)], []);
    const outDir = `${place}/out`;
    await assertRejects(
      () => Driver.create({ log, machines, outDir }),
      UsageError,
    );
    assert((await Deno.stat(outDir)).isDirectory);
  });
});

Deno.test("nothing of a network remains where state is kept, even after SIGKILL", async () => {
  const mod = new URL("../../mod.ts", import.meta.url).href;
  await withPlace((place) => ({ XDG_RUNTIME_DIR: place }), async (place) => {
    const driver = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        "--no-lock",
        `import { Driver, Log } from ${JSON.stringify(mod)};
        await Driver.create({
          vlans: [1, 2],
          keepState: true,
          outDir: ${JSON.stringify(place)},
          log: new Log(),
        });
        console.log("ready");
        setInterval(() => {}, 1000);`,
      ],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const said = driver.stdout.getReader();
    await said.read();
    const names = () => [...Deno.readDirSync(place)].map(({ name }) => name);
    driver.kill("SIGKILL");
    await driver.status;
    await said.cancel();
    await gone(() => names().length > 1);
    assertEquals(names(), ["vmwright-shared"]);
  });
});

Deno.test({
  name: "a kept directory that a neighbour made first is refused",
  ignore: Deno.uid() !== 0,
  async fn() {
    await withPlace((place) => ({ TMPDIR: place }), async (place) => {
      await Deno.chmod(place, 0o1777);
      const shared = `${place}/vmwright-shared`;
      await Deno.mkdir(shared);
      await Deno.chown(shared, 65534, 65534);
      await using supervisor = new Supervisor();
      assertThrows(
        () => makeRunDirectories(true, supervisor),
        UsageError,
        `Expected a directory that no other user can change at ${shared}, ` +
          "got one of user 65534",
      );
      // Files that are not kept lie where no other user could make them first.
      makeRunDirectories(false, supervisor);
    });
  },
});

Deno.test({
  name: "a machine does not start in a state directory that is a neighbour's",
  ignore: Deno.uid() !== 0,
  async fn() {
    await withPlace((place) => ({ TMPDIR: place }), async (place) => {
      await Deno.chmod(place, 0o1777);
      const state = `${place}/vm-state-web`;
      await Deno.mkdir(state);
      await Deno.chown(state, 65534, 65534);
      await Deno.mkdir(`${place}/out`);
      await using driver = await Driver.create({
        machines: [{ name: "web", startCommand: "touch started" }],
        keepState: true,
        outDir: `${place}/out`,
        log: new Log(),
      });
      await assertRejects(
        () => driver.machines[0].start(),
        UsageError,
        `at ${state}, got one of user 65534`,
      );
      assertEquals([...Deno.readDirSync(state)], []);
    });
  },
});
