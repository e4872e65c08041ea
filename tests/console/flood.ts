// Feeds a console with as many MiB as asked for, of all that a guest may print,
// with every report that the command line makes, and tells the most memory that
// the process ever had, in MiB.
import { SerialConsole } from "../../src/console/mod.ts";
import {
  HtmlListener,
  JunitListener,
  Log,
  TerminalListener,
  XmlListener,
} from "../../src/report/mod.ts";

const [directory, megabytes] = Deno.args;
const log = new Log([
  new TerminalListener(),
  new JunitListener(`${directory}/junit.xml`),
  new HtmlListener(`${directory}/report.html`),
  new XmlListener(`${directory}/log.xml`),
]);
const serial = new SerialConsole({
  machine: "m",
  path: `${directory}/console.log`,
  log,
});
const wait = serial.waitFor(/the needle (\d)/);
const kinds = [
  "[ 1.234567] the needle is not here, nor there\r\n",
  "no line end at all ",
  "\x1b[31m",
  "Grüße 🎉 ",
  "\n",
];
const chunk = new Uint8Array(1 << 16);
for (let fed = 0; fed < Number(megabytes); fed += 8) {
  // Lines of nothing are the dearest, and no different from other lines.
  const kind = kinds[fed / 8 % kinds.length];
  const bytes = new TextEncoder().encode(kind);
  for (let at = 0; at < chunk.length; at++) {
    chunk[at] = bytes[at % bytes.length];
  }
  for (let i = 0; i < (kind === "\n" ? 8 : 128); i++) {
    serial.feed(chunk);
    // As it is when the bytes come from a process.
    if (i % 16 === 0) await null;
  }
}
serial.feed(new TextEncoder().encode("the needle 7"));
const digit = (await wait).groups?.[1];
serial.close();
await log.close();
const status = Deno.readTextFileSync("/proc/self/status");
const peak = Number(/VmHWM:\s*(\d+) kB/.exec(status)![1]) / 1024;
console.log(JSON.stringify({ digit, peak }));
