import { assert, assertEquals } from "@std/assert";
import { accelerator, boots } from "../../src/backend/accelerator.ts";
import { gone, isAlive } from "./processes.ts";

const qemu = "qemu-system-x86_64";

async function withDirectory(fn: (path: string) => Promise<void>) {
  const directory = await Deno.makeTempDir();
  try {
    await fn(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("the guest that tries an accelerator boots where QEMU emulates", async () => {
  assert(await boots("tcg", { qemu, timeout: 300 }));
});

Deno.test("an accelerator whose guest does not end is not used", async () => {
  await withDirectory(async (directory) => {
    const hanging = `${directory}/qemu`;
    await Deno.writeTextFile(hanging, "#!/bin/sh\nexec sleep 1000\n", {
      mode: 0o755,
    });
    assertEquals(await boots("tcg", { qemu: hanging, timeout: 0.2 }), false);
  });
});

Deno.test("if the program is killed while it tries an accelerator, no QEMU is left", async () => {
  await withDirectory(async (directory) => {
    const hanging = `${directory}/qemu`;
    await Deno.writeTextFile(
      hanging,
      `#!/bin/sh\necho $$ >${directory}/started\nexec sleep 1000\n`,
      { mode: 0o755 },
    );
    await Deno.writeTextFile(`${directory}/started`, "");
    const module = import.meta.resolve("../../src/backend/accelerator.ts");
    // The program may write there before anything else goes on here.
    using changes = Deno.watchFs(`${directory}/started`);
    await using program = new Deno.Command(Deno.execPath(), {
      args: [
        ...["eval", "--no-check"],
        `import { boots } from ${JSON.stringify(module)};
        await boots("tcg", { qemu: ${
          JSON.stringify(hanging)
        }, timeout: 600 });`,
      ],
    }).spawn();
    let pid = "";
    for await (const _ of changes) {
      pid = (await Deno.readTextFile(`${directory}/started`)).trim();
      if (pid !== "") break;
    }
    program.kill("SIGKILL");
    await program.status;
    await gone(() => isAlive(Number(pid)));
  });
});

Deno.test("without QEMU, no accelerator is found", async () => {
  assertEquals(
    await accelerator({ qemu: "/no/such/qemu", cache: null }),
    "tcg",
  );
});

Deno.test("the accelerator that was found is kept for this boot of the machine", async () => {
  await withDirectory(async (directory) => {
    const cache = `${directory}/below/accelerator`;
    const boot = (await Deno.readTextFile("/proc/sys/kernel/random/boot_id"))
      .trim();
    assertEquals(await accelerator({ qemu: "/no/such/qemu", cache }), "tcg");
    assertEquals(await Deno.readTextFile(cache), `${boot} tcg\n`);
    await Deno.writeTextFile(cache, `${boot} kvm\n`);
    assertEquals(await accelerator({ qemu: "/no/such/qemu", cache }), "kvm");
    await Deno.writeTextFile(cache, "another-boot kvm\n");
    assertEquals(await accelerator({ qemu: "/no/such/qemu", cache }), "tcg");
  });
});

Deno.test("that QEMU has to emulate is kept for an hour, and KVM for longer", async () => {
  await withDirectory(async (directory) => {
    const cache = `${directory}/accelerator`;
    const boot = (await Deno.readTextFile("/proc/sys/kernel/random/boot_id"))
      .trim();
    /** What is found where the file is so old, and whether it is made anew. */
    const foundAfter = async (found: "kvm" | "tcg", minutes: number) => {
      await Deno.writeTextFile(cache, `${boot} ${found}\n`);
      const time = new Date(Date.now() - minutes * 60_000);
      await Deno.utime(cache, time, time);
      const { ino } = await Deno.stat(cache);
      const answer = await accelerator({ qemu: "/no/such/qemu", cache });
      return [answer, (await Deno.stat(cache)).ino !== ino];
    };
    assertEquals(await foundAfter("tcg", 55), ["tcg", false]);
    assertEquals(await foundAfter("tcg", 65), ["tcg", true]);
    assertEquals(await foundAfter("kvm", 65), ["kvm", false]);
  });
});

Deno.test("a result that no file can keep is still right", async () => {
  assertEquals(
    await accelerator({ qemu: "/no/such/qemu", cache: "/proc/no/such" }),
    "tcg",
  );
});
