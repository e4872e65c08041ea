import type { ByteStream } from "../../src/stream/mod.ts";

/**
 * A console that loses what the guest's side says, as QEMU's does while the
 * driver stands still and others write to it, too.
 *
 * @param isLost Whether it loses a message, which is given without the token.
 */
export function lossy(
  console: ByteStream,
  isLost: (message: string) => boolean,
): ByteStream {
  let unfinished = "";
  let rest = new Uint8Array(0);
  return {
    async read(buffer) {
      while (rest.length === 0) {
        const bytes = new Uint8Array(64 * 1024);
        const count = await console.read(bytes);
        if (count === null) return null;
        const lines = (unfinished + latin1(bytes.subarray(0, count)))
          .split("\n");
        unfinished = lines.pop()!;
        const kept = lines.filter((line) => {
          const [, message] = /vw[0-9a-f]{22} (.*)/.exec(line) ?? [];
          return message === undefined || !isLost(message);
        });
        rest = fromLatin1(kept.map((line) => `${line}\n`).join(""));
      }
      const count = Math.min(rest.length, buffer.length);
      buffer.set(rest.subarray(0, count));
      rest = rest.slice(count);
      return count;
    },
    write: (bytes) => console.write(bytes),
    close: () => console.close(),
  };
}

/** Loses the first message of each kind. */
export function firstOfEach(): {
  /** The messages that it has lost, by their kinds. */
  readonly lost: ReadonlyMap<string, string>;
  /** All other messages. */
  readonly kept: ReadonlySet<string>;
  isLost(message: string): boolean;
} {
  const lost = new Map<string, string>();
  const kept = new Set<string>();
  return {
    lost,
    kept,
    isLost(message) {
      const [kind] = message.trim().split(" ");
      if (lost.has(kind)) kept.add(message);
      else lost.set(kind, message);
      return !kept.has(message);
    },
  };
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

function fromLatin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}
