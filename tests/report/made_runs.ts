import { crc32, deflateSync } from "node:zlib";
import type { RunEvent } from "../../src/report/mod.ts";
import { hostile } from "./hostile.ts";

/** The script that made runs seem to come from. */
const url = "file:///tests/web.ts";
const script = `await startAll();
await server.waitForUnit("nginx.service");

await subtest("the client reads the page", async () => {
  const page = await client.succeed("curl --fail --silent http://server/");
  assertStringIncludes(page, "Welcome");
});

await subtest("the server survives a restart", async () => {
  await server.succeed("systemctl restart nginx");
  await Promise.all([client, server].map((one) => one.succeed("sleep 1")));
  await client.succeed("curl --fail http://server/missing");
});
`;

/** A run that is made up, with a clock of its own. */
export class MadeRun {
  readonly events: RunEvent[] = [];
  time = 0;
  #id = 0;

  constructor(name = "/tests/web.ts") {
    this.tell({
      type: "runBegan",
      date: Date.UTC(2026, 10, 20, 9, 30),
      name,
      about: {
        versions: { vmwright: "0.1.0", deno: "2.9.6" },
        host: "builder",
        system: "linux x86_64",
        processors: 8,
        memory: 34359738368,
        commandLine: ["/usr/bin/vmwright", "--start-scripts", "run-server-vm"],
        directory: "/tests",
      },
    });
    this.tell({ type: "sourceFile", url, name: "web.ts", text: script });
  }

  tell(event: Record<string, unknown> & { type: RunEvent["type"] }): void {
    this.events.push({ time: this.time, ...event } as unknown as RunEvent);
  }

  pass(seconds: number): this {
    this.time += seconds;
    return this;
  }

  begin(
    text: string,
    { machine, step, line, role }: {
      machine?: string;
      step?: number;
      line?: number;
      role?: "script" | "boot";
    } = {},
  ): number {
    const id = ++this.#id;
    const attributes = machine === undefined ? {} : { machine };
    this.tell({ type: "stepBegan", id, step, machine, text, attributes, role });
    if (line !== undefined) {
      const position = { url, line, column: 3 };
      this.tell({ type: "stepPlaced", id, position });
    }
    return id;
  }

  subtest(name: string, step?: number, line = 4): number {
    const id = ++this.#id;
    const position = { url, line, column: 7 };
    this.tell({ type: "subtestBegan", id, step, name, position });
    return id;
  }

  end(id: number, error?: { name: string; message: string }): void {
    const began = this.events.find((event) =>
      (event.type === "stepBegan" || event.type === "subtestBegan") &&
      event.id === id
    )!;
    const { machine, step } = began;
    const duration = this.time - began.time;
    if (began.type === "subtestBegan") {
      const { name } = began;
      this.tell({ type: "subtestEnded", id, step, name, duration, error });
    } else if (began.type === "stepBegan") {
      const { text, attributes } = began;
      this.tell({
        type: "stepEnded",
        ...{ id, step, machine, text, attributes, duration, error },
      });
    }
  }

  command(
    step: number,
    machine: string,
    command: string,
    output: string,
    { status = 0, stderr, duration = 0.2, kind = "succeed" }: {
      status?: number;
      stderr?: string;
      duration?: number;
      kind?: string;
    } = {},
  ): void {
    this.tell({
      type: "commandEnded",
      ...{ step, machine, kind, command, status, output, stderr, duration },
    });
  }

  console(machine: string, text: string): void {
    this.tell({ type: "consoleLine", machine, text });
  }

  /** A machine that boots in three seconds, with what it says meanwhile. */
  boot(machine: string, step: number): void {
    const id = this.begin("waiting for the VM to finish booting", {
      ...{ machine, step, line: 1, role: "boot" },
    });
    this.tell({
      type: "machineStarted",
      ...{ machine, hypervisor: "QEMU", command: `run-${machine}-vm`, pid: 7 },
    });
    this.tell({
      type: "fact",
      ...{ machine, name: "QEMU version", value: "7.2.22" },
    });
    for (let n = 0; n < 60; n++) {
      this.pass(0.05);
      const at = this.time.toFixed(6).padStart(12);
      this.console(machine, `[${at}] systemd[1]: Started unit ${n}.service`);
    }
    this.tell({ type: "mark", kind: "ready", machine, step: id });
    this.end(id);
  }

  over(verdict: string, error?: { name: string; message: string }): this {
    this.tell({ type: "runEnded", verdict, error });
    return this;
  }
}

/** A run that passes, with two subtests on two machines. */
export function passing(): MadeRun {
  const run = new MadeRun();
  const whole = run.begin("run the VM test script", { role: "script" });
  run.boot("server", whole);
  run.boot("client", whole);
  for (const [name, line] of [["reads", 4], ["restarts", 9]] as const) {
    const subtest = run.subtest(name, whole, line);
    const step = run.begin(`must succeed: curl http://server/${name}`, {
      ...{ machine: "client", step: subtest, line: line + 1 },
    });
    run.pass(0.4);
    run.console("server", `nginx: GET /${name} 200`);
    run.command(step, "client", `curl http://server/${name}`, "Welcome\n");
    run.end(step);
    run.end(subtest);
  }
  run.end(whole);
  return run.over("passed");
}

/** A run whose second subtest fails, with pictures from a folder. */
export function failing(folder: string): MadeRun {
  const run = new MadeRun();
  const whole = run.begin("run the VM test script", { role: "script" });
  run.boot("server", whole);
  run.boot("client", whole);
  const shot = (machine: string, name: string, shade: number) => {
    const path = `${folder}/${name}.png`;
    Deno.writeFileSync(path, png(160, 100, shade));
    run.tell({ type: "screenshot", machine, path, step: undefined });
  };
  shot("client", "login", 40);
  const first = run.subtest("the client reads the page", whole, 4);
  const read = run.begin("must succeed: curl http://server/", {
    ...{ machine: "client", step: first, line: 5 },
  });
  run.pass(0.3);
  run.command(read, "client", "curl http://server/", "<h1>Welcome</h1>\n");
  run.end(read);
  run.end(first);
  const second = run.subtest("the server survives a restart", whole, 9);
  const fault = 9001;
  run.tell({
    type: "intervalBegan",
    ...{ id: fault, machine: "client", kind: "fault", text: "20 % loss" },
  });
  run.command(second, "server", "systemctl is-active nginx", "active\n", {
    kind: "execute",
  });
  run.pass(1);
  shot("client", "browser", 120);
  run.tell({ type: "mark", kind: "reset", machine: "server" });
  const step = run.begin("must succeed: curl --fail http://server/missing", {
    ...{ machine: "client", step: second, line: 12 },
  });
  run.tell({
    type: "message",
    ...{ step, machine: "client", level: "warning", text: "slow\nanswer" },
    attributes: {},
  });
  run.pass(0.8);
  run.console("client", "the needle on the console");
  run.command(step, "client", "curl --fail http://server/missing", "404\n", {
    status: 22,
    stderr: "curl: (22) The requested URL returned error: 404",
    duration: 0.8,
  });
  const error = {
    name: "TestFailure",
    message:
      "command `curl` failed (exit code 22); its output ended with:\n404",
  };
  run.end(step, error);
  run.end(second, error);
  run.tell({ type: "intervalEnded", id: fault, machine: "client" });
  shot("client", "client-failed", 120);
  run.tell({
    type: "attachment",
    ...{ machine: "server", name: "journal of nginx", text: "nginx: bye" },
  });
  run.end(whole, error);
  return run.over("failed", error);
}

/** A run of which every text wants to be more than that. */
export function hostileRun(): MadeRun {
  const run = new MadeRun("<img src=x onerror=alert(1)>");
  const texts = [
    ...hostile.slice(0, -1),
    '<img src=x onerror="globalThis.owned=1">',
    "</script><script>globalThis.owned=1</script>",
    "<!--<script>",
  ];
  texts.forEach((text, i) => {
    const machine = i % 3 === 0 ? "m" : text;
    run.pass(0.01);
    const subtest = run.subtest(text);
    const step = run.begin(text, { machine, step: subtest, line: 1 });
    run.console("m", text);
    run.command(step, machine, text, text, { stderr: text });
    run.tell({ type: "message", step, text, attributes: { [text]: text } });
    run.tell({ type: "mark", kind: "note", machine, text });
    run.tell({ type: "fact", machine, name: text, value: text });
    run.tell({ type: "attachment", name: text, path: text, text });
    run.tell({ type: "screenshot", machine, path: text });
    run.tell({ type: "consoleOpened", machine, path: text });
    run.pass(0.02);
    run.end(step, { name: text, message: text });
    run.end(subtest, { name: text, message: text });
  });
  const text = texts.join("\n");
  run.tell({
    type: "runEnded",
    ...{
      verdict: "failed",
      error: { name: text, message: text },
      detail: text,
    },
  });
  return run;
}

/** A run whose steps run at the same time, some inside of others. */
export function parallel(): MadeRun {
  const run = new MadeRun();
  const machines = ["a", "b", "c"];
  const whole = run.begin("run the VM test script", { role: "script" });
  for (let round = 0; round < 3; round++) {
    const subtest = run.subtest(`round ${round}`, whole);
    const open = machines.flatMap((machine) =>
      [1, 2, 3].map((n) => {
        run.pass(0.05);
        return run.begin(`job ${n}`, { machine, step: subtest });
      })
    );
    const inner = open.map((step, i) =>
      run.begin(`part of ${step}`, {
        machine: machines[Math.floor(i / 3)],
        step,
      })
    );
    run.pass(1);
    for (const id of [...inner, ...open]) run.pass(0.05).end(id);
    run.end(subtest);
  }
  run.end(whole);
  return run.over("passed");
}

/** A run in which two forks of a snapshot go on side by side. */
export function forked(): MadeRun {
  const run = new MadeRun();
  const whole = run.begin("run the VM test script", { role: "script" });
  run.boot("server", whole);
  run.tell({
    type: "snapshotTaken",
    ...{ id: 900, name: "ready", machines: ["server"], duration: 0.2 },
  });
  for (const n of [2, 3]) {
    run.tell({
      type: "forkBegan",
      ...{ id: 900 + n, snapshot: 900 },
      machines: [{ name: `server#${n}`, parent: "server" }],
    });
    run.tell({
      type: "machineStarted",
      ...{ machine: `server#${n}`, hypervisor: "QEMU", command: "", pid: n },
    });
  }
  const steps = [2, 3].map((n) =>
    run.begin(`must succeed: work ${n}`, {
      ...{ machine: `server#${n}`, step: whole },
    })
  );
  run.pass(2);
  for (const step of steps) run.pass(0.3).end(step);
  for (const n of [2, 3]) run.tell({ type: "forkEnded", id: 900 + n });
  run.tell({
    type: "snapshotRestored",
    ...{ snapshot: 900, machines: ["server"] },
  });
  run.pass(0.5).end(whole);
  return run.over("passed");
}

/** Events of a run of any length, which are never all in memory. */
export function* huge(
  lines: number,
  steps: number,
): Generator<RunEvent> {
  const machines = ["server", "client", "database"];
  const make = (event: Record<string, unknown>) => event as unknown as RunEvent;
  yield make({
    type: "runBegan",
    ...{ time: 0, date: Date.UTC(2026, 10, 20, 9, 30), name: "/tests/huge.ts" },
  });
  const perStep = Math.ceil(lines / steps);
  let line = 0;
  let time = 0;
  for (let n = 0; n < steps; n++) {
    const machine = machines[n % 3];
    const subtest = 1 + n - n % 100;
    const common = { machine, attributes: { machine } };
    if (n % 100 === 0) {
      yield make({
        type: "subtestBegan",
        ...{ time, id: 1e6 + subtest, name: `part ${n / 100}` },
      });
    }
    const step = 1e6 + subtest;
    const id = n + 1;
    const text = `must succeed: job --number ${n} --of ${steps}`;
    yield make({ type: "stepBegan", time, id, step, text, ...common });
    for (let i = 0; i < perStep && line < lines; i++, line++) {
      time += 0.0003;
      yield make({
        type: "consoleLine",
        ...{ time, machine },
        text: logLine(line, time),
      });
    }
    const output = `the output of job ${n}: ${n * 7919 % 100_003}\n`;
    yield make({
      type: "commandEnded",
      ...{
        time,
        step: id,
        machine,
        kind: "succeed",
        status: 0,
        duration: 0.01,
      },
      ...{ command: text.slice(14), output },
    });
    yield make({
      type: "stepEnded",
      ...{ time, id, step, text, duration: perStep * 0.0003, ...common },
    });
    if (n % 100 === 99 || n === steps - 1) {
      yield make({
        type: "subtestEnded",
        ...{ time, id: step, name: "part", duration: 1 },
      });
    }
  }
  yield make({ type: "runEnded", time, verdict: "passed" });
}

const services = [
  "sshd[812]: Accepted publickey for root from 10.0.2.2 port",
  "systemd[1]: Started session-",
  "nginx[633]: 192.168.1.3 - - GET /index.html HTTP/1.1 200 612 request",
  "postgres[701]: LOG:  checkpoint complete: wrote buffers",
  "kernel: audit: type=1130 pid=1 uid=0 auid=4294967295 ses=",
];

/** A line as a machine's journal has it. */
function logLine(n: number, time: number): string {
  const word = services[n * 7 % 5];
  return `[${time.toFixed(6).padStart(12)}] ${word} ${n * 7919 % 65_536}`;
}

/** A picture that is as good as a screen. */
export function png(
  width: number,
  height: number,
  shade: number,
): Uint8Array<ArrayBuffer> {
  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isText = y % 10 < 6 && x % 7 < 5 && x * 31 % 97 > y;
      rows[y * (width + 1) + 1 + x] = isText ? 220 : shade;
    }
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 0, 0, 0, 0], 8);
  const chunks = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", new Uint8Array()),
  ];
  return new Uint8Array(chunks.flatMap((bytes) => [...bytes]));
}

function chunk(name: string, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, crc32(bytes.subarray(4, -4)));
  return bytes;
}
