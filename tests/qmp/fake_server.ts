import { TextLineStream } from "@std/streams";
import { connectQmp, type QmpClient } from "../../src/qmp/mod.ts";

const GREETING = JSON.stringify({
  QMP: {
    version: { qemu: { major: 9, minor: 0, micro: 0 } },
    capabilities: [],
  },
});

/** A QMP server that says what a test has it say. */
export class FakeServer implements AsyncDisposable {
  readonly #directory: string;
  readonly #greeting: string;
  readonly #listener: Deno.Listener;
  readonly #connected = Promise.withResolvers<void>();
  #connection?: Deno.Conn;
  /** What the client says, line by line. */
  #lines?: ReadableStreamDefaultReader<string>;

  private constructor(directory: string, greeting: string) {
    this.#directory = directory;
    this.#greeting = greeting;
    this.#listener = Deno.listen({
      transport: "unix",
      path: `${directory}/qmp`,
    });
  }

  /** Waits for a client. */
  static async start(
    options: { greeting?: string } = {},
  ): Promise<FakeServer> {
    return new FakeServer(
      await Deno.makeTempDir(),
      options.greeting ?? GREETING,
    );
  }

  /**
   * Connects a client; with a greeting, also negotiates.
   *
   * @param silence Milliseconds before the greeting.
   * @param options How the client connects.
   */
  async client(
    silence = 0,
    options?: Parameters<typeof connectQmp>[1],
  ): Promise<QmpClient> {
    const stream = await Deno.connect({
      transport: "unix",
      path: `${this.#directory}/qmp`,
    });
    this.#connection = await this.#listener.accept();
    this.#lines = this.#connection.readable
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream()).getReader();
    this.#connected.resolve();
    const connecting = connectQmp(stream, options);
    if (this.#greeting !== "") {
      if (silence > 0) {
        await new Promise((resolve) => setTimeout(resolve, silence));
      }
      await this.say(this.#greeting);
      const { id } = await this.request();
      await this.say(JSON.stringify({ return: {}, id }));
    }
    return await connecting;
  }

  /** The next request of the client. */
  async request(): Promise<{ execute: string; id: string }> {
    const { value, done } = await this.#lines!.read();
    if (done) throw new Error("the client has left");
    return JSON.parse(value);
  }

  /** Says a line. */
  say(text: string): Promise<void> {
    return this.sayBytes(new TextEncoder().encode(`${text}\r\n`));
  }

  /** Says something. */
  async sayBytes(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.#connection!.write(bytes.subarray(at));
    }
  }

  /** Leaves the client alone, once it is there. */
  async hangUp(): Promise<void> {
    await this.#connected.promise;
    this.#connection!.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#connection?.close();
    } catch {
      // Hung up already.
    }
    this.#listener.close();
    await Deno.remove(this.#directory, { recursive: true });
  }
}
