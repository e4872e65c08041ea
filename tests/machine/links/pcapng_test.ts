import { assertEquals } from "@std/assert";
import {
  interfaceDescription,
  packet,
  sectionHeader,
} from "../../../src/machine/links/pcapng.ts";
import { blocksOf } from "./read_pcapng.ts";

Deno.test("a capture is read as it was written", () => {
  const frame = new Uint8Array(61).fill(7);
  const bytes = new Uint8Array([
    ...sectionHeader(),
    ...interfaceDescription("web", "52:54:00:12:01:01"),
    ...packet(0, 1_700_000_000_123.456, frame, "out"),
    ...packet(0, 1_700_000_000_124, frame.subarray(0, 60)),
  ]);
  const { interfaces, packets } = blocksOf(bytes);
  assertEquals(interfaces, ["web"]);
  assertEquals(packets, [
    {
      interface: "web",
      microseconds: 1_700_000_000_123_456,
      frame,
      direction: "out",
    },
    {
      interface: "web",
      microseconds: 1_700_000_000_124_000,
      frame: frame.slice(0, 60),
      direction: undefined,
    },
  ]);
});
