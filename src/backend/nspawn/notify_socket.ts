import { MachineError } from "../../errors.ts";
import { LineSplitter } from "../../scan/mod.ts";
import { shellQuote } from "../../shell/mod.ts";
import type { PipedProcess, Supervisor } from "../supervisor.ts";

/** What systemd-socket-activate says once the socket is there. */
const LISTENING = /^Listening on /;

/** One datagram after the other, each read whole. */
const READ_ALL = "while dd bs=64k count=1 <&3 2>/dev/null && echo; do :; done";

/**
 * A socket for what programs tell their service manager, as sd_notify(3)
 * describes it: `READY=1` and the like. It is read for as long as it is there,
 * since whoever writes to it waits where it is full.
 */
export class NotifySocket {
  /** The path, for `NOTIFY_SOCKET`. */
  readonly path: string;
  readonly #process: PipedProcess;
  readonly #supervisor: Supervisor;
  readonly #read: Promise<void>;

  private constructor(
    path: string,
    process: PipedProcess,
    supervisor: Supervisor,
    read: Promise<void>,
  ) {
    this.path = path;
    this.#process = process;
    this.#supervisor = supervisor;
    this.#read = read;
  }

  /**
   * Opens the socket; answers when it takes messages.
   *
   * @param path The place of the socket; one of an earlier run is replaced.
   * @param hear Is told each assignment.
   * @throws {MachineError} where nobody can listen there.
   */
  static async open(
    path: string,
    supervisor: Supervisor,
    hear: (name: string, value: string) => void,
  ): Promise<NotifySocket> {
    await Deno.remove(path).catch(() => {});
    // Deno has no datagram sockets on paths; systemd has a program for it.
    const process = supervisor.spawn(
      `exec systemd-socket-activate --datagram --listen=${shellQuote(path)} ` +
        `/bin/sh -c ${shellQuote(READ_ALL)}`,
    );
    const said: string[] = [];
    const { promise: listening, resolve } = Promise.withResolvers<void>();
    const read = Promise.all([
      eachLine(process.stdout, (line) => {
        const at = line.indexOf("=");
        if (at > 0) hear(line.slice(0, at), line.slice(at + 1));
      }),
      eachLine(process.stderr, (line) => {
        if (said.length < 10) said.push(line);
        if (LISTENING.test(line)) resolve();
      }),
    ]).then(() => {});
    const socket = new NotifySocket(path, process, supervisor, read);
    const ended = read.then(() => false);
    if (await Promise.race([listening.then(() => true), ended])) return socket;
    await socket.close();
    throw new MachineError(
      `systemd-socket-activate can't listen on ${path}: ${said.join("; ")}`,
    );
  }

  /** Takes the socket away. */
  async close(): Promise<void> {
    this.#supervisor.kill(this.#process, "SIGKILL");
    await this.#process.status;
    this.#supervisor.reap(this.#process);
    await this.#read;
    await this.#process.stdin.close().catch(() => {});
    await Deno.remove(this.path).catch(() => {});
  }
}

async function eachLine(
  stream: ReadableStream<Uint8Array>,
  hear: (line: string) => void,
): Promise<void> {
  using lines = new LineSplitter();
  for await (const chunk of stream) lines.push(chunk).forEach(hear);
  lines.finish().forEach(hear);
}
