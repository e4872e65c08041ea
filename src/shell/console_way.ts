import { consoleText } from "./console_text.ts";
import type { ShellLost } from "./errors.ts";
import type { GuestCalls } from "./guest_calls.ts";
import type { Job } from "./job.ts";
import type { LeftBehind } from "./left_behind.ts";
import type { Liveness } from "./liveness.ts";
import type { Message } from "./message.ts";
import { programOf } from "./program.ts";

/** What a {@linkcode ConsoleWay} needs. */
export interface ConsoleWayOptions {
  readonly calls: GuestCalls;
  readonly left: LeftBehind;
  readonly liveness: Liveness;
}

/**
 * Runs commands over the backdoor console, any number at a time, if the guest
 * has no ports, or all are busy.
 */
export class ConsoleWay {
  readonly #calls: GuestCalls;
  readonly #left: LeftBehind;
  readonly #liveness: Liveness;
  readonly #jobs = new Map<string, Job>();

  constructor({ calls, left, liveness }: ConsoleWayOptions) {
    this.#calls = calls;
    this.#left = left;
    this.#liveness = liveness;
  }

  /** Runs a job. */
  async run(job: Job): Promise<void> {
    const id = `c${this.#calls.number()}`;
    const { stderr = "serial", stdin, onSent } = job.options;
    const isApart = stderr === "separate";
    this.#jobs.set(id, job);
    this.#left.expect(id, job.command);
    let { command } = job;
    job.watch(
      (signal) => this.#calls.kill(id, signal),
      () => this.#remove(id),
    );
    if (stdin !== undefined) {
      try {
        command = await withStdin(command, stdin);
      } catch (error) {
        this.#remove(id);
        return job.fail(error);
      }
      // Meanwhile the shell may be lost, or the time over.
      if (job.over) {
        this.#remove(id);
        return job.end(124);
      }
    }
    const program = programOf(command, {
      stdout: "file",
      stderr: isApart ? "file" : stderr,
      stdin: false,
    });
    await this.#calls.run(id, isApart ? 2 : 1, consoleText(program));
    if (!job.settled) onSent?.();
  }

  /** A job has written something. */
  output({ job, stream, bytes }: Message & { verb: "output" }): void {
    this.#jobs.get(job)?.[stream](bytes);
  }

  /** The command of a job has ended; the rest of its output is on its way. */
  ended(id: string): void {
    this.#jobs.get(id)?.ended();
  }

  /**
   * All of a job's output was sent.
   *
   * @param status How it ended; nothing if its server was killed.
   */
  done(id: string, status?: number): void {
    const job = this.#jobs.get(id);
    if (status !== undefined) {
      this.#remove(id);
      return job?.end(status);
    }
    this.#liveness.killed(id, (error) => {
      this.#remove(id);
      job?.fail(error);
    });
  }

  /** The guest's shell is gone. */
  lose(error: ShellLost): void {
    for (const job of this.#jobs.values()) job.fail(error);
    this.#jobs.clear();
  }

  #remove(id: string): void {
    this.#jobs.delete(id);
    this.#left.forget(id);
  }
}

/**
 * A command that brings its stdin along, in a file: a process substitution
 * takes a /dev/fd, which the guest need not have.
 */
async function withStdin(
  command: string,
  stdin: AsyncIterable<Uint8Array>,
): Promise<string> {
  const lines: string[] = [];
  for await (const bytes of stdin) {
    for (let at = 0; at < bytes.length; at += 57) {
      lines.push(btoa(String.fromCharCode(...bytes.subarray(at, at + 57))));
    }
  }
  return `base64 -d >/tmp/.vw$$ <<'VW_END'\n${lines.join("\n")}\nVW_END\n` +
    `exec </tmp/.vw$$\nrm -f /tmp/.vw$$\n${command}`;
}
