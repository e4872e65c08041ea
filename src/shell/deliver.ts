import type { Busy } from "./port_state.ts";
import type { PortStream } from "./port_stream.ts";
import { frameOf, programOf } from "./program.ts";

/**
 * Writes a command to its port, and then its stdin.
 *
 * @param isDue Whether anybody still reads the rest.
 * @throws {ShellLost} if the port breaks.
 */
export async function deliver(
  port: PortStream,
  command: Busy,
  isDue: () => boolean,
): Promise<void> {
  const { job, outlet, runner, stderr } = command;
  const { options } = job;
  const program = programOf(job.command, {
    stdout: outlet,
    stderr: stderr?.device ?? options.stderr ?? "serial",
    stdin: options.stdin !== undefined,
  });
  await port.write(frameOf(program, runner), isDue);
  if (isDue()) {
    command.isSent = true;
    options.onSent?.();
  }
  if (options.stdin === undefined) return;
  for await (const bytes of options.stdin) {
    if (!isDue()) break;
    await port.write(bytes, isDue);
  }
}
