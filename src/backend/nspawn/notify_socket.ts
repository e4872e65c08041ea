import { MachineError } from "../../errors.ts";
import { LineSplitter } from "../../scan/mod.ts";
import { shellQuote } from "../../shell/mod.ts";
import type { PipedProcess, Supervisor } from "../supervisor.ts";

/** systemd-socket-activate prints this when the socket is there. */
const LISTENING = /^Listening on /;

/** Reads one datagram after the other, each as a whole. */
const READ_ALL = "while dd bs=64k count=1 <&3 2>/dev/null && echo; do :; done";

/**
 * A socket for the messages of programs to their service manager, such as
 * `READY=1`; see sd_notify(3). The driver reads it all the time, because a
 * program waits when the socket is full.
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
   * Opens the socket. Returns when it takes messages.
   *
   * @param path The path of the socket. This replaces the socket of an earlier
   * run.
   * @param hear Gets each assignment.
   * @throws {MachineError} if the socket can't be opened there.
   */
  static async open(
    path: string,
    supervisor: Supervisor,
    hear: (name: string, value: string) => void,
  ): Promise<NotifySocket> {
    await Deno.remove(path).catch(() => {});
    // Deno has no datagram sockets with paths, but systemd has a program that
    // makes them.
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

  /** Removes the socket. */
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
