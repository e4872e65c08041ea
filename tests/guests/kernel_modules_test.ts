import { assertEquals } from "@std/assert";
import { dependencies, moduleClosure, modulesDep } from "./kernel_modules.ts";

function moduleFile(depends: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(
    `\x7fELF\xff\0license=GPL\0depends=${depends}\0name=x\0`,
  );
}

Deno.test("a module's dependencies are read from its file", () => {
  assertEquals(dependencies(moduleFile("")), []);
  assertEquals(dependencies(moduleFile("virtio,virtio-ring")), [
    "virtio",
    "virtio_ring",
  ]);
});

Deno.test("modules are loaded after what they depend on", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/kernel`);
    const write = (name: string, depends: string) =>
      Deno.writeFile(`${root}/kernel/${name}.ko`, moduleFile(depends));
    // The order of the names is not that of the loading.
    await write("net", "ring,core,built-in");
    await write("core", "ring");
    await write("ring", "");
    await write("other", "");
    const closure = await moduleClosure(root, ["net", "absent"]);
    assertEquals(closure.map(({ name }) => name), ["ring", "core", "net"]);
    assertEquals(
      modulesDep(closure),
      "kernel/ring.ko:\n" +
        "kernel/core.ko: kernel/ring.ko\n" +
        // modprobe goes from the last to the first.
        "kernel/net.ko: kernel/core.ko kernel/ring.ko\n",
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
