import { UsageError } from "../errors.ts";
import { harmless } from "../scan/harmless.ts";
import { writeAllSync } from "../stream/write_all.ts";
import { exitCodes } from "../run/exit_codes.ts";
import { configure } from "./configuration.ts";

/**
 * The whole program.
 *
 * It imports the modules that run a test only for a run, so that the help and
 * errors of the command line come at once.
 *
 * @param args The command line's words.
 * @returns The exit status.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const configuration = configure(args, Deno.env);
    switch (configuration.command) {
      case "help": {
        const { helpText } = await import("./help.ts");
        print(helpText());
        return exitCodes.passed;
      }
      case "version": {
        const { version } = await import("../version.ts");
        print(`vmwright ${version}\n`);
        return exitCodes.passed;
      }
      case "types": {
        const { types } = await import("./types.ts");
        print(types(configuration));
        return exitCodes.passed;
      }
      case "snapshots": {
        const { snapshots } = await import("./snapshots.ts");
        print(snapshots(configuration));
        return exitCodes.passed;
      }
      case "check": {
        const { check } = await import("./check.ts");
        return await check(configuration);
      }
      case "test": {
        const { test } = await import("./test.ts");
        return await test(configuration, print);
      }
      case "report": {
        const { report } = await import("./report.ts");
        return await report(configuration);
      }
      case "run":
      case "eval": {
        const { runCommand } = await import("./run.ts");
        return await runCommand(configuration);
      }
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`vmwright: ${harmless(error.message)}`);
    return exitCodes.misused;
  }
}

const encoder = new TextEncoder();

function print(text: string): void {
  try {
    writeAllSync(Deno.stdout, encoder.encode(text));
  } catch (error) {
    // The reader may stop reading, as `head` does.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
