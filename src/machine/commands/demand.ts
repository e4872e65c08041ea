import { TestFailure } from "../../errors.ts";
import type { MachineCore } from "../core.ts";
import type { CommandOptions } from "./guest_commands.ts";
import { decode, lastLines } from "./output.ts";

/**
 * Runs a command of the driver that must succeed.
 *
 * @throws {TestFailure} if its status is not zero.
 */
export async function demand(
  core: MachineCore,
  command: string,
  options: CommandOptions = {},
): Promise<void> {
  const { status, stdout } = await core.run(command, {
    stderr: "merge",
    ...options,
  });
  if (status === 0) return;
  throw new TestFailure(
    `command \`${command}\` failed (exit code ${status})` +
      lastLines(decode(stdout)),
  );
}
