/**
 * Measures vmwright beside a model of the classic driver, on the same guests
 * and in the same run.
 *
 *     deno task bench [--quick] [--only PART…] [--json FILE]
 *         [--console-megabytes N]
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { bulk, memory } from "./cases/bulk.ts";
import { commands } from "./cases/commands.ts";
import { consoleText } from "./cases/console_text.ts";
import { events } from "./cases/events.ts";
import { fleet } from "./cases/fleet.ts";
import { links } from "./cases/links.ts";
import { scan } from "./cases/scan.ts";
import { twentyWaits } from "./cases/script.ts";
import { snapshots } from "./cases/snapshots.ts";
import { suite } from "./cases/suite.ts";
import { startUp } from "./cases/start_up.ts";
import { reaction, units, waiting } from "./cases/waits.ts";
import type { Part, Scale } from "./part.ts";
import { record, type Result, table } from "./result.ts";

const parts: Part[] = [
  scan,
  startUp,
  commands,
  reaction,
  waiting,
  units,
  events,
  bulk,
  memory,
  consoleText,
  fleet,
  links,
  twentyWaits,
  snapshots,
  suite,
];

const full: Scale = {
  rounds: 7,
  longRounds: 3,
  scanMegabytes: 64,
  consoleMegabytes: 128,
  megabytes: 100,
  files: 5000,
  machines: 8,
  suiteTests: 20,
  standIns: 500,
};

const quick: Scale = {
  rounds: 3,
  longRounds: 1,
  scanMegabytes: 8,
  consoleMegabytes: 16,
  megabytes: 10,
  files: 500,
  machines: 2,
  suiteTests: 4,
  standIns: 20,
};

const usage = "deno task bench [--quick] [--only PART…] [--json FILE] " +
  `[--console-megabytes N]\nparts: ${parts.map(({ name }) => name).join(" ")}`;

function misused(why: string): never {
  console.error(`${why}\n${usage}`);
  Deno.exit(2);
}

async function main(args: string[]): Promise<void> {
  const { quick: isQuick, json, "console-megabytes": size, only: named, _ } =
    parseArgs(args, {
      boolean: ["quick"],
      string: ["json", "console-megabytes", "only"],
      collect: ["only"],
      unknown: (argument, name) => {
        if (name !== undefined) misused(`unknown argument ${argument}`);
      },
    });
  // Each `--only` takes all the names that follow it.
  const only = [...named, ..._.map(String)];
  if (named.length === 0 && only.length > 0) {
    misused(`unknown argument ${only[0]}`);
  }
  if (json === "") misused("--json expects a file");
  const megabytes = size === undefined ? undefined : Number(size);
  if (megabytes !== undefined && !(megabytes > 0)) {
    misused("--console-megabytes expects a number");
  }
  let scale = isQuick ? quick : full;
  for (const name of only) {
    if (!parts.some((part) => part.name === name)) {
      misused(`unknown part ${name}`);
    }
  }
  if (megabytes !== undefined) {
    scale = { ...scale, consoleMegabytes: megabytes };
  }
  const results: Result[] = [];
  for (const part of parts) {
    if (only.length > 0 && !only.includes(part.name)) continue;
    console.error(`${part.name} …`);
    try {
      await part.run(scale, (result) => {
        results.push(result);
        console.error(table([result]).split("\n")[1]);
      });
    } catch (error) {
      // The other parts are useful without this one.
      console.error(`${part.name} failed:`, error);
      Deno.exitCode = 1;
    }
  }
  console.log(table(results));
  if (json === undefined) return;
  const text = JSON.stringify(
    {
      when: new Date().toISOString(),
      deno: Deno.version.deno,
      cores: navigator.hardwareConcurrency,
      scale,
      results: record(results),
    },
    null,
    2,
  );
  await Deno.writeTextFile(json, `${text}\n`);
}

if (import.meta.main) await main(Deno.args);
