import type { Job } from "./job.ts";
import type { PortStream } from "./port_stream.ts";
import { frameOf, programOf } from "./program.ts";
import type { StderrPort } from "./stderr_port.ts";

/** A command that is to be brought to a runner. */
export interface Delivery {
  readonly job: Job;
  /** The process in the guest that waits for it. */
  readonly runner: number;
  /** Carries the command's stderr, where that is apart. */
  readonly stderr?: StderrPort;
  /** Whether anybody is there still to take the rest. */
  readonly isDue: () => boolean;
  /** Called when the command is on its way as a whole. */
  readonly onSent: () => void;
}

/**
 * Writes a command to a port, and then its stdin.
 *
 * @throws {ShellLost} where the port breaks.
 */
export async function deliver(
  stream: PortStream,
  { job, runner, stderr, isDue, onSent }: Delivery,
): Promise<void> {
  const { options } = job;
  const program = programOf(job.command, {
    stderr: stderr?.device ?? options.stderr ?? "serial",
    stdin: options.stdin !== undefined,
  });
  await stream.write(frameOf(program, runner), isDue);
  if (isDue()) {
    onSent();
    options.onSent?.();
  }
  for await (const bytes of options.stdin ?? []) {
    if (!isDue()) break;
    await stream.write(bytes, isDue);
  }
}
