import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { CaptureFile } from "../../../src/machine/links/capture.ts";
import { blocksOf } from "./read_pcapng.ts";
import { runWithFullDisk } from "../../full_disk.ts";

Deno.test("a capture takes the place of one that still writes under its name", async () => {
  const directory = await Deno.makeTempDir({ prefix: "vmwright-test-" });
  try {
    const earlier = CaptureFile.create(directory, "lan", () => {});
    earlier.write(earlier.interface("web"), [new Uint8Array(100)]);
    const later = CaptureFile.create(directory, "lan", () => {});
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

Deno.test("a capture for which the disk has no room ends with a whole frame and one warning", async () => {
  const directory = await Deno.makeTempDir({ prefix: "vmwright-test-" });
  const module = import.meta.resolve("../../../src/machine/links/capture.ts");
  const code = `
    import { CaptureFile } from "${module}";
    const file = CaptureFile.create("${directory}", "lan", console.log);
    const card = file.interface("web");
    for (let at = 0; at < 2000; at++) file.write(card, [new Uint8Array(1001)]);
    await file.close();
  `;
  try {
    const { success, stdout } = await runWithFullDisk(code);
    assertEquals(success, true);
    assertMatch(
      new TextDecoder().decode(stdout),
      /^no more frames are captured in .*lan\.pcapng: File too large.*\n$/,
    );
    const bytes = Deno.readFileSync(`${directory}/lan.pcapng`);
    const { packets } = blocksOf(bytes);
    assertLess(900, packets.length);
    assertLess(packets.length, 1100);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
