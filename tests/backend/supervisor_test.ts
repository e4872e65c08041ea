import { assertEquals, assertRejects } from "@std/assert";
import { TextLineStream } from "@std/streams";
import {
  type PipedProcess,
  type SpawnOptions,
  Supervisor,
} from "../../src/backend/supervisor.ts";
import { ownGroups } from "../../src/backend/nspawn/control_groups.ts";
import { awkward } from "./awkward.ts";
import { gone, isAlive, processesWith } from "./processes.ts";

/** Reads lines of a stream as they come. */
function linesOf(stream: ReadableStream<Uint8Array>) {
  const lines = stream.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  return {
    async next(): Promise<string> {
      const { value, done } = await lines.read();
      if (done) throw new Error("the stream ended before a line");
      return value;
    },
    cancel: () => lines.cancel(),
  };
}

/** Lets go of what a test did not read. */
async function drop(process: PipedProcess): Promise<void> {
  await process.stdin.close().catch(() => {});
  if (!process.stdout.locked) await process.stdout.cancel();
  if (!process.stderr.locked) await process.stderr.cancel();
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Starts another process in the background, which says its number. */
const BACKGROUND = "sleep 1000 & echo $!";
/** The same in a session and a process group of its own. */
const DAEMON = "setsid sh -c 'echo $$; exec sleep 1000' &";

Deno.test("a process has pipes, a directory and variables", async () => {
  await using supervisor = new Supervisor();
  const process = supervisor.spawn('cat; pwd; echo "$GIVEN $HOME" >&2', {
    cwd: "/usr",
    env: { GIVEN: "given" },
  });
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode("typed\n"));
  await writer.close();
  const { stdout, stderr } = await process.output();
  assertEquals(new TextDecoder().decode(stdout), "typed\n/usr\n");
  assertEquals(
    new TextDecoder().decode(stderr),
    `given ${Deno.env.get("HOME")}\n`,
  );
});

Deno.test("a process leads a group of its own, out of reach of the terminal's signals", async () => {
  await using supervisor = new Supervisor();
  const process = supervisor.spawn("cut -d ' ' -f 1,5 /proc/self/stat; :");
  await process.stdin.close();
  const { stdout } = await process.output();
  const [, group] = new TextDecoder().decode(stdout).trim().split(" ");
  assertEquals(Number(group), process.pid);
});

Deno.test("kill() signals the process and its children", async () => {
  await using supervisor = new Supervisor();
  const process = supervisor.spawn(`${BACKGROUND}; wait`);
  const lines = linesOf(process.stdout);
  const child = Number(await lines.next());
  supervisor.kill(process);
  assertEquals((await process.status).signal, "SIGTERM");
  await gone(() => isAlive(child));
  await lines.cancel();
  await drop(process);
});

Deno.test("reap() ends what a process that ended left behind", async () => {
  await using supervisor = new Supervisor();
  const process = supervisor.spawn(BACKGROUND);
  const lines = linesOf(process.stdout);
  const child = Number(await lines.next());
  await process.status;
  assertEquals(isAlive(child), true);
  supervisor.reap(process);
  await gone(() => isAlive(child));
  await lines.cancel();
  await drop(process);
});

Deno.test("reap() ends a daemon that left the group and the session, and nobody else's", async () => {
  await using supervisor = new Supervisor();
  const other = supervisor.spawn(DAEMON);
  const otherLines = linesOf(other.stdout);
  const otherDaemon = Number(await otherLines.next());
  const process = supervisor.spawn(DAEMON);
  const lines = linesOf(process.stdout);
  const daemon = Number(await lines.next());
  await process.status;
  supervisor.reap(process);
  await gone(() => isAlive(daemon));
  assertEquals(isAlive(otherDaemon), true);
  await lines.cancel();
  await drop(process);
  await other.status;
  supervisor.reap(other);
  await gone(() => isAlive(otherDaemon));
  await otherLines.cancel();
  await drop(other);
});

Deno.test("reap() ends daemons that become other programs all the time", async () => {
  await using supervisor = new Supervisor();
  const become = 'exec /bin/sh -c "$0" "$0"';
  const process = supervisor.spawn(
    `i=0; while [ $i -lt 20 ]; do i=$((i + 1)); ` +
      `setsid /bin/sh -c '${become}' '${become}' >&2 & done; echo begun`,
  );
  const lines = linesOf(process.stdout);
  await lines.next();
  await process.status;
  supervisor.reap(process);
  // They hold stderr open as long as they live.
  assertEquals((await process.stderr.bytes()).length, 0);
  await lines.cancel();
  await drop(process);
});

Deno.test("reap() may be called twice", async () => {
  await using supervisor = new Supervisor();
  const process = supervisor.spawn("true");
  await process.output();
  supervisor.reap(process);
  supervisor.reap(process);
  await drop(process);
});

Deno.test("disposal ends everything, even daemons, and removes its directories", async () => {
  const supervisor = new Supervisor();
  const directory = await Deno.makeTempDir();
  const kept = await Deno.makeTempDir();
  await Deno.mkdir(`${directory}/a/b`, { recursive: true });
  supervisor.own(directory);
  supervisor.own(kept);
  supervisor.disown(kept);
  const process = supervisor.spawn(`${BACKGROUND}; ${DAEMON} wait`);
  const lines = linesOf(process.stdout);
  const pids = [Number(await lines.next()), Number(await lines.next())];
  await supervisor[Symbol.asyncDispose]();
  for (const pid of [process.pid, ...pids]) await gone(() => isAlive(pid));
  await assertRejects(() => Deno.stat(directory), Deno.errors.NotFound);
  await Deno.remove(kept);
  await process.status;
  await lines.cancel();
  await drop(process);
});

Deno.test("killNow() ends a tree that grows while it is ended", async () => {
  await using supervisor = new Supervisor();
  const process = supervisor.spawn(
    "echo begun; while :; do setsid sh -c 'sleep 1000' & done",
  );
  const lines = linesOf(process.stdout);
  await lines.next();
  const mark = Deno.readTextFileSync(`/proc/${process.pid}/environ`)
    .split("\0").find((variable) => variable.startsWith("VMWRIGHT_RUN="))!;
  supervisor.killNow();
  await process.status;
  await gone(() => processesWith(mark).length > 0);
  await lines.cancel();
  await drop(process);
});

/**
 * Says its number, and takes a moment to clean up at SIGTERM. When the driver
 * is gone nobody reads what a shell says of its children's end.
 */
const CLEANING = `exec 2>/dev/null
trap 'trap "" TERM; sleep 0.2; rm "$FILE"; exit' TERM
echo $$
while :; do sleep 0.1; done`;

Deno.test("killNow() lets processes clean up that do so", async () => {
  const supervisor = new Supervisor();
  const FILE = await Deno.makeTempFile();
  const process = supervisor.spawn(CLEANING, { env: { FILE }, cleansUp: true });
  const lines = linesOf(process.stdout);
  await lines.next();
  supervisor.killNow();
  await supervisor[Symbol.asyncDispose]();
  await assertRejects(() => Deno.stat(FILE), Deno.errors.NotFound);
  await process.status;
  await lines.cancel();
  await drop(process);
});

Deno.test("an adopted group ends with the run, or before", async () => {
  const supervisor = new Supervisor();
  // Nobody's child, and without the run's mark.
  const process = supervisor.spawn(
    `for _ in 1 2; do env -i setsid sh -c 'echo $$; exec sleep 1000' & done`,
  );
  const lines = linesOf(process.stdout);
  const pids = [Number(await lines.next()), Number(await lines.next())];
  await process.status;
  for (const pid of pids) supervisor.adopt(pid);
  supervisor.reap(process);
  assertEquals(pids.map(isAlive), [true, true]);
  supervisor.endAdopted(pids[0]);
  await gone(() => isAlive(pids[0]));
  assertEquals(isAlive(pids[1]), true);
  await supervisor[Symbol.asyncDispose]();
  await gone(() => isAlive(pids[1]));
  await lines.cancel();
  await drop(process);
});

/** What forgets all that it has of the run, but for where it is. */
const HIDDEN = "env -i setsid sh -c 'echo $$; exec sleep 1000' &";

Deno.test("disposal ends processes that hide in its directories, and no others", async () => {
  const supervisor = new Supervisor();
  const directory = supervisor.makeDirectory(await Deno.makeTempDir(), "run-");
  const elsewhere = `${directory}-elsewhere`;
  await Deno.mkdir(elsewhere);
  await Deno.mkdir(`${directory}/state`);
  const cwds = [`${directory}/state`, directory, elsewhere];
  const pids: number[] = [];
  for (const cwd of cwds) {
    const process = supervisor.spawn(HIDDEN, { cwd });
    const lines = linesOf(process.stdout);
    pids.push(Number(await lines.next()));
    await process.status;
    await lines.cancel();
    await drop(process);
  }
  await supervisor[Symbol.asyncDispose]();
  await gone(() => isAlive(pids[0]) || isAlive(pids[1]));
  assertEquals(isAlive(pids[2]), true);
  Deno.kill(pids[2], "SIGKILL");
  assertEquals(exists(directory), false);
  await Deno.remove(elsewhere.slice(0, elsewhere.lastIndexOf("/")), {
    recursive: true,
  });
});

Deno.test("a directory is its owner's alone, and each another", async () => {
  const base = await Deno.makeTempDir();
  const supervisor = new Supervisor();
  const directories = [1, 2, 3].map(() =>
    supervisor.makeDirectory(base, "vmwright-")
  );
  assertEquals(new Set(directories).size, 3);
  for (const directory of directories) {
    assertEquals(Deno.statSync(directory).mode! & 0o777, 0o700);
  }
  await supervisor[Symbol.asyncDispose]();
  assertEquals([...Deno.readDirSync(base)], []);
  await Deno.remove(base);
});

Deno.test("a driver that never lets go and is killed leaves nothing", async () => {
  const base = await Deno.makeTempDir();
  const file = `${base}/driver.ts`;
  await Deno.writeTextFile(
    file,
    `import { Supervisor } from ${JSON.stringify(supervisorUrl)};
    const supervisor = new Supervisor();
    supervisor.makeDirectory(Deno.args[0], "a");
    supervisor.spawn("sleep 1000; :", { cwd: supervisor.makeDirectory(Deno.args[0], "b") });
    console.log("ready");
    for (;;);`,
  );
  const place = `${base}/place`;
  await Deno.mkdir(place);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-config", "--no-lock", file, place],
    stdout: "piped",
  }).spawn();
  const lines = linesOf(child.stdout);
  assertEquals(await lines.next(), "ready");
  assertEquals([...Deno.readDirSync(place)].length, 2);
  child.kill("SIGKILL");
  await child.status;
  await gone(() => [...Deno.readDirSync(place)].length > 0);
  await gone(() => processesWith(place).length > 0);
  await lines.cancel();
  await Deno.remove(base, { recursive: true });
});

const supervisorUrl = new URL(
  "../../src/backend/supervisor.ts",
  import.meta.url,
);

/** A driver that says what it started, then waits to be killed. */
const driver = `
  import { Supervisor } from ${JSON.stringify(supervisorUrl)};
  import process from "node:process";
  const [directories, commands, options, uid] = JSON.parse(Deno.args[0]);
  if (uid !== null) process.setuid(uid);
  const supervisor = new Supervisor();
  for (const directory of directories) supervisor.own(directory);
  for (const command of commands) {
    const process = supervisor.spawn(command, options);
    for await (const chunk of process.stdout) {
      console.log(process.pid, new TextDecoder().decode(chunk).trim());
      break;
    }
  }
  console.log("ready");
  setInterval(() => {}, 1000);
`;

async function startDriver(
  directories: string[],
  commands: string[],
  options: SpawnOptions = {},
  uid?: number,
) {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, driver);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", "--no-config", "--no-lock", file],
      JSON.stringify([directories, commands, options, uid]),
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = linesOf(child.stdout);
  const pids: number[] = [];
  for (let line; (line = await lines.next()) !== "ready";) {
    pids.push(...line.split(" ").map(Number));
  }
  await Deno.remove(file);
  return { child, lines, pids };
}

Deno.test("a driver that is killed by SIGKILL leaves no process, no guard and no directory", async () => {
  const root = await Deno.makeTempDir();
  const directories = awkward.map((name) => `${root}/${name}`);
  for (const directory of directories) {
    await Deno.mkdir(`${directory}/a`, { recursive: true });
    await Deno.writeTextFile(`${directory}/a/file`, "");
  }
  const { child, lines, pids } = await startDriver(directories, [
    `${BACKGROUND}; wait`,
    DAEMON,
    // What ignores every signal that can be ignored.
    "trap '' TERM INT HUP QUIT; echo $$; while :; do sleep 1; done",
  ]);
  assertEquals(pids.length, 6);
  const guards = processesWith("vmwright-guard")
    .filter(({ parent }) => parent === child.pid);
  assertEquals(guards.length, 1);
  child.kill("SIGKILL");
  await child.status;
  for (const pid of pids) await gone(() => isAlive(pid));
  await gone(() => isAlive(guards[0].pid));
  // Only files that were never the driver's are left of the root.
  assertEquals([...Deno.readDirSync(root)].map(({ name }) => name), []);
  await Deno.remove(root);
  await lines.cancel();
});

Deno.test("a driver that SIGKILL ends leaves no process that hides in its directories", async () => {
  const names = ["plain", "line\nbreak", "its end\n", "a -> b '*\\"];
  for (const [name, inner] of names.flatMap((n) => [[n, "/state"], [n, ""]])) {
    const root = await Deno.makeTempDir();
    const directory = `${root}/${name}`;
    await Deno.mkdir(`${directory}/state`, { recursive: true });
    const { child, lines, pids } = await startDriver([directory], [HIDDEN], {
      cwd: `${directory}${inner}`,
    });
    child.kill("SIGKILL");
    await child.status;
    for (const pid of pids) await gone(() => isAlive(pid));
    await gone(() => exists(directory));
    await Deno.remove(root);
    await lines.cancel();
  }
});

/** A tree as in the Nix store, of a user who is not root. */
async function readOnlyTree(): Promise<{ root: string; tree: string }> {
  const root = await Deno.makeTempDir();
  const tree = `${root}/tree`;
  await Deno.mkdir(`${tree}/outer/inner`, { recursive: true });
  await Deno.writeTextFile(`${tree}/outer/inner/file`, "");
  await Deno.mkdir(`${root}/elsewhere`);
  await Deno.symlink("../../elsewhere", `${tree}/outer/link`);
  await Deno.chmod(`${tree}/outer/inner`, 0o555);
  await Deno.chmod(`${tree}/outer`, 0o555);
  await Deno.chmod(`${root}/elsewhere`, 0o555);
  if (Deno.uid() === 0) {
    await new Deno.Command("chown", { args: ["-hR", `${NOBODY}`, root] })
      .output();
  }
  return { root, tree };
}

const NOBODY = 65534;

/** Ends a supervisor that owns a directory, as a user who is not root. */
const killer = `
  import { Supervisor } from ${JSON.stringify(supervisorUrl)};
  import process from "node:process";
  if (Deno.uid() === 0) process.setuid(${NOBODY});
  const supervisor = new Supervisor();
  supervisor.own(Deno.args[0]);
  console.log(supervisor.killNow());
  Deno.exit();
`;

Deno.test("killNow() removes directories that may not be written to", async () => {
  const { root, tree } = await readOnlyTree();
  // In a process of its own: a user is a whole process's, with all tests in it.
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", "--no-lock", killer, tree],
    stderr: "inherit",
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "true\n");
  assertEquals(exists(tree), false);
  // Links were not followed.
  assertEquals((await Deno.stat(`${root}/elsewhere`)).mode! & 0o777, 0o555);
  await Deno.remove(root, { recursive: true });
});

Deno.test("the guard removes directories that may not be written to", async () => {
  const { root, tree } = await readOnlyTree();
  const { child, lines } = await startDriver(
    [tree],
    [BACKGROUND],
    {},
    Deno.uid() === 0 ? NOBODY : undefined,
  );
  child.kill("SIGKILL");
  await child.status;
  await gone(() => exists(tree));
  assertEquals((await Deno.stat(`${root}/elsewhere`)).mode! & 0o777, 0o555);
  await lines.cancel();
  await Deno.remove(root, { recursive: true });
});

Deno.test("the guard lets processes clean up that do so", async () => {
  const FILE = await Deno.makeTempFile();
  const { child, lines } = await startDriver([], [
    CLEANING,
  ], { env: { FILE }, cleansUp: true });
  child.kill("SIGKILL");
  await child.status;
  await gone(() => exists(FILE));
  await lines.cancel();
});

Deno.test("the guard removes groups of processes, which rm does not", async () => {
  const [parent] = ownGroups(
    await Deno.readTextFile("/proc/self/mountinfo"),
    await Deno.readTextFile("/proc/self/cgroup"),
  );
  const group = `${parent}/vmwright-test-${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(group);
  } catch (error) {
    console.log(`skipped, there can be no ${group}: ${error}`);
    return;
  }
  await Deno.mkdir(`${group}/inner/most`, { recursive: true });
  const { child, lines } = await startDriver([group], [BACKGROUND]);
  child.kill("SIGKILL");
  await child.status;
  await gone(() => exists(group));
  await lines.cancel();
});

Deno.test("the guard of one run leaves the processes of another alone", async () => {
  await using supervisor = new Supervisor();
  const process = supervisor.spawn(`${BACKGROUND}; wait`);
  const own = linesOf(process.stdout);
  const pid = Number(await own.next());
  const { child, lines, pids } = await startDriver([], [BACKGROUND]);
  child.kill("SIGKILL");
  await child.status;
  for (const pid of pids) await gone(() => isAlive(pid));
  assertEquals(isAlive(pid), true);
  await lines.cancel();
  supervisor.kill(process);
  await process.status;
  await own.cancel();
  await drop(process);
});

/** Whether a process has come so far that it ignores SIGINT. */
function ignoresInterrupts(pid: number): boolean {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const [, ignored] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status)!;
  return (BigInt(`0x${ignored}`) & 2n) !== 0n;
}

Deno.test("the guard outlives the signals of a terminal", async () => {
  await using supervisor = new Supervisor();
  const process = supervisor.spawn("echo begun; sleep 1000");
  const lines = linesOf(process.stdout);
  await lines.next();
  const [guard] = processesWith("vmwright-guard")
    .filter(({ parent }) => parent === Deno.pid);
  await gone(() => !ignoresInterrupts(guard.pid));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
    Deno.kill(guard.pid, signal);
  }
  assertEquals(isAlive(guard.pid), true);
  assertEquals(isAlive(process.pid), true);
  supervisor.kill(process);
  await process.status;
  await lines.cancel();
  await drop(process);
});
