import { assertEquals } from "@std/assert";
import { CaptureFile } from "../../../src/machine/links/capture.ts";
import { blocksOf } from "./read_pcapng.ts";

Deno.test("a capture takes the place of one that still writes under its name", async () => {
  const directory = await Deno.makeTempDir({ prefix: "vmwright-test-" });
  try {
    const earlier = CaptureFile.create(directory, "lan");
    earlier.write(earlier.interface("web"), [new Uint8Array(100)]);
    const later = CaptureFile.create(directory, "lan");
    later.write(later.interface("db"), [new Uint8Array(60).fill(1)]);
    earlier.write(0, [new Uint8Array(100)]);
    later.write(0, [new Uint8Array(60).fill(2)]);
    await Promise.all([earlier.close(), later.close()]);
    const { packets } = blocksOf(Deno.readFileSync(later.path));
    assertEquals(
      packets.map((packet) => [packet.interface, packet.frame[0]]),
      [["db", 1], ["db", 2]],
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
