import type { Shell } from "../../src/shell/mod.ts";
import type { ByteStream } from "../../src/stream/mod.ts";

const GREETING = "Spawning backdoor root shell...";

/** A port at which a test answers. */
export interface ScriptedPort extends ByteStream {
  /** Says codes with the session's token, all at once. */
  say(...codes: string[]): void;
  /** All that the port was sent, once `text` is in it. */
  heard(text: string): Promise<string>;
}

/** A guest that says what a test has it say, at the moment that matters. */
export interface ScriptedGuest extends AsyncDisposable {
  readonly console: ByteStream;
  /** A port that nobody in the guest answers at. */
  silent(): ByteStream;
  /** A port that says what a test has it say. */
  port(): ScriptedPort;
  /** Says lines on the console. */
  say(...lines: string[]): Promise<void>;
  /** Says lines on the console that our side of the guest would say. */
  answer(...lines: string[]): Promise<void>;
  /** All that the console was sent, once `text` is in it so many times. */
  heard(text: string, times?: number): Promise<string>;
  /** Greets, and says that it is ready and has these ports. */
  connect(shell: Shell, ...ports: string[]): Promise<void>;
  /** Takes nothing more from the console, until it goes on. */
  hold(): void;
  goOn(): void;
  /** Something is sent that the guest does not take. */
  readonly held: Promise<void>;
}

/**
 * Makes a guest.
 *
 * @param token That of a session whose side of the guest it has already.
 */
export function scriptedGuest(token = ""): ScriptedGuest {
  const toHost = new TransformStream<Uint8Array, Uint8Array>();
  const writer = toHost.writable.getWriter();
  const reader = toHost.readable.getReader();
  const held = Promise.withResolvers<void>();
  let gate: PromiseWithResolvers<void> | undefined;
  let sent = "";
  let told = Promise.withResolvers<void>();
  const silences: PromiseWithResolvers<null>[] = [];
  const guest: ScriptedGuest = {
    console: {
      async read(buffer) {
        const { value, done } = await reader.read();
        if (done) return null;
        buffer.set(value);
        return value.length;
      },
      async write(bytes) {
        if (gate !== undefined) held.resolve();
        await gate?.promise;
        sent += new TextDecoder().decode(bytes);
        told.resolve();
        told = Promise.withResolvers();
        return bytes.length;
      },
      close: () => void writer.close().catch(() => {}),
    },
    silent() {
      const silence = Promise.withResolvers<null>();
      silences.push(silence);
      return {
        read: () => silence.promise,
        write: (bytes) => Promise.resolve(bytes.length),
        close: () => silence.resolve(null),
      };
    },
    port() {
      const words = new TransformStream<Uint8Array, Uint8Array>();
      const mouth = words.writable.getWriter();
      const ear = words.readable.getReader();
      let sent = "";
      let told = Promise.withResolvers<void>();
      return {
        async read(buffer) {
          const { value, done } = await ear.read();
          if (done) return null;
          buffer.set(value);
          return value.length;
        },
        write(bytes) {
          sent += new TextDecoder().decode(bytes);
          told.resolve();
          told = Promise.withResolvers();
          return Promise.resolve(bytes.length);
        },
        close: () => void mouth.close().catch(() => {}),
        say(...codes) {
          const text = codes.map((code) => token + code.padEnd(10)).join("");
          mouth.write(new TextEncoder().encode(text)).catch(() => {});
        },
        async heard(text) {
          while (!sent.includes(text)) await told.promise;
          return sent;
        },
      };
    },
    async say(...lines) {
      for (const line of lines) {
        await writer.write(new TextEncoder().encode(`${line}\n`));
      }
    },
    answer: (...lines) => guest.say(...lines.map((line) => `${token} ${line}`)),
    async heard(text, times = 1) {
      while (sent.split(text).length <= times) await told.promise;
      return sent;
    },
    async connect(shell, ...ports) {
      const connecting = shell.connect();
      await guest.say(GREETING);
      [, token] = /vw_token=(\w+)/.exec(await guest.heard("vw_token="))!;
      await guest.answer(
        "up 5.2",
        ...ports.map((name, i) => `port ${name} 0p${i + 1}`),
        "found",
      );
      await connecting;
    },
    hold: () => gate = Promise.withResolvers(),
    goOn: () => gate?.resolve(),
    held: held.promise,
    async [Symbol.asyncDispose]() {
      for (const silence of silences) silence.resolve(null);
      await writer.close().catch(() => {});
    },
  };
  return guest;
}
