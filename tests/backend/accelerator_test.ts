import { assert, assertEquals } from "@std/assert";
import { accelerator, boots } from "../../src/backend/accelerator.ts";

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

Deno.test("a result that no file can keep is still right", async () => {
  assertEquals(
    await accelerator({ qemu: "/no/such/qemu", cache: "/proc/no/such" }),
    "tcg",
  );
});
