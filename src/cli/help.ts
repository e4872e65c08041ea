import { type Option, options } from "./options.ts";

/** The text of `--help`. */
export function helpText(): string {
  const rowsOf = (ofSuites: boolean) =>
    (Object.values(options) as Option[]).filter((option) =>
      (option.only !== undefined) === ofSuites
    ).map((option) => {
      const name = option.names[0];
      const short = option.names.find((n) => /^-\w$/.test(n));
      const value = option.value === undefined ? "" : ` ${option.value}`;
      return [
        (short === undefined ? "    " : `${short}, `) +
        (option.negatable && option.kind === "flag"
          ? `--[no-]${name.slice(2)}`
          : name) +
        value,
        option.help + (option.environment ? ` [$${option.environment}]` : ""),
      ];
    }).map(([left, right]) => row(left, right)).join("\n");
  return `Runs a test script against virtual machines

Usage: vmwright [OPTIONS] SCRIPT
       vmwright --interactive [OPTIONS] [SCRIPT]
       vmwright test [SUITE] [NAME…]     run the tests of a suite
       vmwright check [OPTIONS] SCRIPT   report type errors and missing awaits
       vmwright types [OPTIONS]          print the types of what a script sees
       vmwright report EVENTS…           make one page of files of events
       vmwright report DIR…              put the shards of a suite together
       vmwright snapshots                list the snapshots that are kept
       vmwright snapshots remove [NAME…] remove them, or all
       vmwright eval CODE                run code that makes its own driver
       vmwright eval-file FILE           the same, from a file

Examples:
  vmwright --start-scripts ./run-server-vm ./run-client-vm --vlans 1 -- web.ts
  vmwright --start-scripts ./run-server-vm -o out --junit-xml j.xml -- web.py
  vmwright --start-scripts ./run-server-vm --watch --keep-machines -- web.ts
  vmwright --interactive --start-scripts ./run-server-vm
  vmwright check --start-scripts ./run-server-vm -- web.ts
  vmwright test 'web*' --retries 1 -o results

Options:
${rowsOf(false)}

Options of vmwright test, beside -o and --watch:
${rowsOf(true)}

A suite is vmwright.suite.json, vmwright.suite.ts, or configuration files. A
NAME may be a glob. The results are in vmwright-results, or where -o says.

An option overrides the configuration file, and the file overrides the
environment variable in brackets. In the environment, white space separates the
words of a list. On the command line, a list ends at the next option or at the
test script. The environment variable LOGFILE names a file for the XML log.

Exit status: 0 passed, 1 failed, 2 used wrongly, 124 global timeout,
130 interrupted, 143 terminated
`;
}

const left = 30;
const width = 80;

/** Formats one option, with its help in the right-hand column. */
function row(name: string, help: string): string {
  const lines: string[] = [];
  let line = `  ${name}`.padEnd(left);
  if (line.length > left) {
    lines.push(line);
    line = " ".repeat(left);
  }
  for (const word of help.split(" ")) {
    if (line.length + 1 + word.length > width && line.trim() !== "") {
      lines.push(line);
      line = " ".repeat(left);
    }
    line += ` ${word}`;
  }
  lines.push(line);
  return lines.join("\n");
}
