/** Characters of the longest event that this reads. */
const LONGEST = 64 * 1024;

/** What Cloud Hypervisor tells of a machine. */
export interface VmEvent {
  /** Who tells it: `vmm`, `vm`, `guest`, a device. */
  readonly source: string;
  /** What has happened: `booted`, `panic`, `shutdown`. */
  readonly event: string;
}

/**
 * Reads the events that `--event-monitor` writes: JSON objects of several lines,
 * with an empty line after each. It skips everything else.
 */
export async function* readEvents(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<VmEvent> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const parts = text.split("\n\n");
    text = parts.pop()!.slice(-LONGEST);
    for (const part of parts) {
      const event = readEvent(part);
      if (event !== undefined) yield event;
    }
  }
}

function readEvent(text: string): VmEvent | undefined {
  try {
    const { source, event } = JSON.parse(text);
    if (typeof source === "string" && typeof event === "string") {
      return { source, event };
    }
  } catch {
    // Something else has written there.
  }
}
