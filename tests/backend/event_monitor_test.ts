import { assertEquals } from "@std/assert";
import {
  readEvents,
  type VmEvent,
} from "../../src/backend/cloud_hypervisor/event_monitor.ts";

/** As Cloud Hypervisor 53 writes them. */
const WRITTEN = `{
  "timestamp": {
    "secs": 0,
    "nanos": 1522208
  },
  "source": "vmm",
  "event": "starting",
  "properties": null
}

not JSON

{
  "timestamp": { "secs": 1, "nanos": 1 },
  "source": "guest",
  "event": "panic",
  "properties": { "event": "Kernel\\n\\npanic — really" }
}

{ "source": 3, "event": "booted" }

[1]

null

{ "source": "vm", "event": "shutdown" }

{ "source": "vm", "event": "has no end" }`;

async function read(sizes: number): Promise<VmEvent[]> {
  const bytes = new TextEncoder().encode(WRITTEN);
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += sizes) {
        controller.enqueue(bytes.subarray(at, at + sizes));
      }
      controller.close();
    },
  });
  return await Array.fromAsync(readEvents(stream));
}

Deno.test("Cloud Hypervisor's events are read however they come, and anything else is skipped", async () => {
  for (const sizes of [1, 7, 64, 10_000]) {
    assertEquals(await read(sizes), [
      { source: "vmm", event: "starting" },
      { source: "guest", event: "panic" },
      { source: "vm", event: "shutdown" },
    ]);
  }
});

Deno.test("an endless event takes bounded memory", async () => {
  let left = 1000;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left-- > 0) controller.enqueue(new Uint8Array(10_000).fill(0x61));
      else {
        const last = '\n\n{ "source": "vm", "event": "booted" }\n\n';
        controller.enqueue(new TextEncoder().encode(last));
        controller.close();
      }
    },
  });
  assertEquals(await Array.fromAsync(readEvents(stream)), [
    { source: "vm", event: "booted" },
  ]);
});
