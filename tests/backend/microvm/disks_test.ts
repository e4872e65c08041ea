import { assertEquals, assertRejects } from "@std/assert";
import { MicroVmDisks } from "../../../src/backend/microvm/disks.ts";
import { MachineError } from "../../../src/errors.ts";
import { temporaryDirectory } from "../../cli/vmwright.ts";

Deno.test("a machine that goes on from a snapshot has the disks as they were saved", async () => {
  using directory = temporaryDirectory({ "root.img": "original" });
  const { path } = directory;
  for (const name of ["state", "saved", "fork"]) {
    Deno.mkdirSync(`${path}/${name}`);
  }
  const disks = new MicroVmDisks(`${path}/state`);
  const name = await disks.place(`${path}/root.img`, "my/root");
  assertEquals(name, "my_root-root.img");
  await Deno.writeTextFile(`${path}/state/${name}`, "saved");
  const saved = await disks.freeze(`${path}/saved`);
  assertEquals(saved, [{
    path: name,
    format: "raw",
    size: "saved".length,
    frozen: `${path}/saved/disk-1`,
    by: "copy",
  }]);
  await Deno.writeTextFile(`${path}/state/${name}`, "later");

  // In place, and in another directory.
  for (const place of ["state", "fork"]) {
    const again = new MicroVmDisks(`${path}/${place}`, saved);
    assertEquals(await again.place(`${path}/root.img`, "my/root"), name);
    assertEquals(await Deno.readTextFile(`${path}/${place}/${name}`), "saved");
  }
  await Deno.remove(`${path}/saved/disk-1`);
  const gone = new MicroVmDisks(`${path}/fork`, saved);
  await assertRejects(
    () => gone.place(`${path}/root.img`, "my/root"),
    MachineError,
    `the disk ${path}/saved/disk-1 can't be copied: `,
  );
  await Deno.remove(`${path}/state/${name}`);
  await assertRejects(
    () => disks.freeze(`${path}/saved`),
    MachineError,
    `the disk ${path}/state/${name} can't be copied: `,
  );
});
