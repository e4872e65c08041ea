import { assertEquals } from "@std/assert";
import { CpioArchive } from "./cpio.ts";

/** The header's fields and the content of each entry, read independently. */
function* entries(bytes: Uint8Array) {
  const text = new TextDecoder("latin1");
  for (let offset = 0; offset < bytes.length;) {
    const field = (nr: number) =>
      parseInt(
        text.decode(bytes.subarray(offset + 6 + nr * 8).subarray(0, 8)),
        16,
      );
    assertEquals(text.decode(bytes.subarray(offset, offset + 6)), "070701");
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    const device = [field(9), field(10)];
    const name = text.decode(
      bytes.subarray(offset + 110, offset + 110 + nameSize - 1),
    );
    const start = Math.ceil((offset + 110 + nameSize) / 4) * 4;
    const content = text.decode(bytes.subarray(start, start + size));
    offset = Math.ceil((start + size) / 4) * 4;
    yield { name, mode: mode.toString(8), device: device.join(), content };
  }
}

Deno.test("an archive holds files, links and devices, after their directories", () => {
  const archive = new CpioArchive()
    .file("a/b/file", "seven b", 0o755)
    .symlink("a/link", "b/file")
    .characterDevice("dev/console", 5, 1)
    .file("a/b/other", new Uint8Array());
  assertEquals([...entries(archive.bytes())], [
    { name: "a", mode: "40755", device: "0,0", content: "" },
    { name: "a/b", mode: "40755", device: "0,0", content: "" },
    { name: "a/b/file", mode: "100755", device: "0,0", content: "seven b" },
    { name: "a/link", mode: "120777", device: "0,0", content: "b/file" },
    { name: "dev", mode: "40755", device: "0,0", content: "" },
    { name: "dev/console", mode: "20600", device: "5,1", content: "" },
    { name: "a/b/other", mode: "100644", device: "0,0", content: "" },
    { name: "TRAILER!!!", mode: "0", device: "0,0", content: "" },
  ]);
});
