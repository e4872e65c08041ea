import type { ByteStream } from "../../src/stream/mod.ts";

/** A byte stream without another end: a test says what comes, and sees what goes. */
export interface MemoryStream extends ByteStream {
  /** All that was written to it. */
  readonly written: string;
  /** Has bytes come; fulfilled when they were read, and what they did is done. */
  come(bytes: Uint8Array | string): Promise<void>;
  /** Takes nothing of what is written any more. */
  stall(): void;
  /** Fails what is written from now on. */
  breakOff(): void;
}

/** Makes a byte stream for a test. */
export function memoryStream(): MemoryStream {
  let written = "";
  let take: "all" | "nothing" | "fails" = "all";
  const queue: (Uint8Array | null)[] = [];
  let wake = Promise.withResolvers<void>();
  let hungry = Promise.withResolvers<void>();
  return {
    async read(buffer) {
      if (queue.length === 0) hungry.resolve();
      while (queue.length === 0) await wake.promise;
      const bytes = queue.shift()!;
      if (bytes === null) return null;
      buffer.set(bytes);
      return bytes.length;
    },
    write(bytes) {
      if (take === "nothing") return new Promise(() => {});
      if (take === "fails") {
        return Promise.reject(new Deno.errors.BrokenPipe("os error 32"));
      }
      written += new TextDecoder().decode(bytes);
      return Promise.resolve(bytes.length);
    },
    close() {
      queue.push(null);
      wake.resolve();
    },
    get written() {
      return written;
    },
    async come(bytes) {
      hungry = Promise.withResolvers();
      queue.push(
        typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes,
      );
      wake.resolve();
      wake = Promise.withResolvers();
      await hungry.promise;
      await turn();
    },
    stall: () => void (take = "nothing"),
    breakOff: () => void (take = "fails"),
  };
}

/** Lets all go on that waits for nothing from outside. */
export function turn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
