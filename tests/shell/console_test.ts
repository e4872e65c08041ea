import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Shell, ShellLost } from "../../src/shell/mod.ts";
import type { ByteStream } from "../../src/stream/mod.ts";
import { fakeClock, passInSteps } from "./fake_clock.ts";
import { hostBash } from "./host_bash.ts";
import { turn } from "./memory_stream.ts";
import { type ScriptedGuest, scriptedGuest } from "./scripted_guest.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("a shell without ports runs commands over its console", async (t) => {
  await using console = hostBash();
  const warnings: string[] = [];
  using shell = new Shell({
    console,
    onWarning: (text) => void warnings.push(text),
  });

  await t.step("and answers their status and their stdout", async () => {
    const { status, stdout } = await shell.run(
      "echo out; echo err >&2; exit 3",
    );
    assertEquals([status, text(stdout)], [3, "out\n"]);
  });

  await t.step("with separate stderr if the caller wants that", async () => {
    const { stdout, stderr } = await shell.run("echo out; echo err >&2", {
      stderr: "separate",
    });
    assertEquals([text(stdout), text(stderr)], ["out\n", "err\n"]);
  });

  await t.step("with stderr in stdout if the caller wants that", async () => {
    const { stdout } = await shell.run("echo out; echo err >&2", {
      stderr: "merge",
    });
    assertEquals(text(stdout), "out\nerr\n");
  });

  await t.step("even if they open a stream by its name", async () => {
    for (const name of ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]) {
      const { status, stdout } = await shell.run(
        `seq 2000; echo two >${name}; echo three | tee ${name}; ` +
          "jobs; wait; echo $?; exit 4",
      );
      assertEquals(status, 4);
      assertEquals(
        text(stdout).split("\n").slice(1999),
        ["2000", "two", "three", "three", "0", ""],
      );
    }
    const toStderr = "echo one >&2; echo two >/dev/stderr; echo three >&2";
    const merged = await shell.run(toStderr, { stderr: "merge" });
    assertEquals(text(merged.stdout), "one\ntwo\nthree\n");
    const apart = await shell.run(`echo four >/dev/stdout; ${toStderr}`, {
      stderr: "separate",
    });
    assertEquals(
      [text(apart.stdout), text(apart.stderr)],
      ["four\n", "one\ntwo\nthree\n"],
    );
  });

  await t.step("whatever bytes they are made of and write", async () => {
    const { stdout } = await shell.run(
      "printf '\\0\\377\\r\\n%s' 'ä\\\r☃\u0003'",
    );
    assertEquals(
      stdout,
      new Uint8Array([
        0,
        255,
        13,
        10,
        ...new TextEncoder().encode("ä\\\r☃\u0003"),
      ]),
    );
  });

  await t.step("and however many, in pieces", async () => {
    const path = await Deno.makeTempFile();
    const bytes = new Uint8Array(50_001).map((_, at) => at * at >> 3);
    await Deno.writeFile(path, bytes);
    const { stdout, stderr } = await shell.run(
      `cat ${path}; sleep 0.12; cat ${path} >&2; cat ${path}; ` +
        `sleep 0.06; cat ${path} >&2`,
      { stderr: "separate" },
    );
    const twice = new Uint8Array([...bytes, ...bytes]);
    assertEquals([stdout, stderr], [twice, twice]);
    await Deno.remove(path);
  });

  await t.step("while they run, stdout and stderr apart", async () => {
    const directory = await Deno.makeTempDir();
    const said: string[] = [];
    const say = (chunk: Uint8Array) => {
      said.push(text(chunk));
      Deno.writeTextFileSync(`${directory}/${said.length}`, "");
    };
    const { stdout, stderr } = await shell.run(
      [
        "echo one",
        "echo two >&2",
        "echo -n three",
      ].map((speak, at) =>
        `${speak}; until [ -e ${directory}/${at + 1} ]; do sleep 0.01; done`
      ).join("; "),
      { stderr: "separate", onStdout: say, onStderr: say, timeout: 60 },
    );
    assertEquals(said, ["one\n", "two\n", "three"]);
    assertEquals([stdout.length, stderr.length], [0, 0]);
    await Deno.remove(directory, { recursive: true });
  });

  await t.step("but not for a child that is left behind", async () => {
    const { status, stdout } = await shell.run("sleep 1000 & echo $!; exit 3", {
      timeout: 60,
    });
    Deno.kill(Number(text(stdout)));
    assertEquals(status, 3);
  });

  await t.step("with all that a child writes soon after", async () => {
    const late = (to: string) =>
      shell.run(`(sleep 0.2; echo late >&${to}) & echo early`, {
        stderr: "separate",
      });
    const both = (await Promise.all([late("1"), late("2")]))
      .map(({ stdout, stderr }) => [text(stdout), text(stderr)]);
    assertEquals(both, [["early\nlate\n", ""], ["early\n", "late\n"]]);
    for (
      const command of [
        "exec > >(cat); echo one; echo two",
        "printf 'one\\ntwo\\n' > >(cat)",
        "echo one | tee >(sed s/one/two/)",
        "echo one; { sleep 0.3; echo two; } 2>&1 &",
      ]
    ) {
      const { stdout } = await shell.run(command);
      assertEquals(
        text(stdout).trim().split("\n").toSorted(),
        ["one", "two"],
        command,
      );
    }
  });

  await t.step("and warns of such a child, once", async () => {
    const { stdout } = await shell.run("sleep 1000 & echo $!");
    Deno.kill(Number(text(stdout)));
    // On a busy host, the children before this one may have been warned of, too.
    const left = warnings.filter((text) => text.includes("left sleep"));
    assertEquals(left.length, 1);
    assertMatch(
      left[0],
      /^the command `sleep 1000 & echo \$!; exit 3` has ended and left sleep \(process \d+\) behind, which holds its output; later output of that process is not shown$/,
    );
  });

  await t.step("for a child that never stops writing, too", async () => {
    const { stdout } = await shell.run(
      "{ while sleep 0.1; do echo on; done; } & echo $!",
    );
    const process = Number(text(stdout).split("\n")[0]);
    await shell.run("true");
    // It was not hurt.
    Deno.kill(process);
    assertMatch(JSON.stringify(text(stdout)), /^"\d+\\n(on\\n)+"$/);
  });

  await t.step("unless their server is killed", async () => {
    const error = await assertRejects(
      () => shell.run("kill -KILL $PPID", { timeout: 60 }),
      ShellLost,
    );
    assertMatch(
      error.message,
      /^The shell that served the command in the guest \(process \d+, the command's parent\) was killed by signal 9: by a process in the guest/,
    );
  });

  await t.step("or who sends what they write, and no file stays", async () => {
    const kept = await Deno.makeTempFile();
    const others = "for child in $(cat /proc/$PPID/task/*/children); do " +
      `[ $child = $$ ] || kill -KILL $child; done; ` +
      `readlink "/proc/$$/fd"/1 >${kept}`;
    await assertRejects(
      () => shell.run(others, { timeout: 100 }),
      ShellLost,
      "was killed by signal 9",
    );
    const file = (await Deno.readTextFile(kept)).trim();
    assertMatch(file, /\.vw\d+\.out$/);
    await assertRejects(() => Deno.stat(file), Deno.errors.NotFound);
    await Deno.remove(kept);
  });

  await t.step("several at once", async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, n) => shell.run(`echo ${n}; exit ${n}`)),
    );
    assertEquals(
      results.map(({ status, stdout }) => [status, text(stdout)]),
      results.map((_, n) => [n, `${n}\n`]),
    );
  });

  await t.step("and an unclosed quote hurts no other command", async () => {
    const { status } = await shell.run("echo 'unclosed");
    assertEquals(status, 2);
    assertEquals((await shell.run("true")).status, 0);
  });

  await t.step("a timeout ends the process group with 124", async () => {
    const { status, timedOut, stdout } = await shell.run(
      "echo begun; sleep 1000 & sleep 1000",
      { timeout: 3 },
    );
    assertEquals([status, timedOut, text(stdout)], [124, true, "begun\n"]);
  });

  await t.step("a timeout of a month is not over at once", async () => {
    const results = await Promise.all(
      [Infinity, 30 * 24 * 3600].map((timeout) =>
        shell.run("sleep 0.1", { timeout })
      ),
    );
    assertEquals(results.map(({ timedOut }) => timedOut), [false, false]);
  });

  await t.step("a NUL byte is refused", async () => {
    await assertRejects(() => shell.run("echo \0"), TypeError, "offset 5");
  });
});

Deno.test("much output over a console comes where the shell has a pipe at 3", async () => {
  await using console = hostBash("exec 3>&1");
  using shell = new Shell({ console });
  const { stdout } = await shell.run("seq 9999");
  assertEquals(stdout.length, 48_888);
});

Deno.test("a leave for output that is given anew adds nothing", async () => {
  await using bash = hostBash();
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, new Uint8Array(9000));
  let heard = "";
  const leaves = ["3\n3\n3\n", "1\n"];
  const console: ByteStream = {
    async read(buffer) {
      const count = await bash.read(buffer);
      if (count !== null) heard += text(buffer.subarray(0, count));
      return count;
    },
    async write(bytes) {
      const process = /^vw_more (\d+)/.exec(text(bytes))?.[1];
      const leave = process && leaves.shift();
      if (!leave) return await bash.write(bytes);
      // All at once, as after the host has stood still: bash would write a line
      // at a time.
      await Deno.writeTextFile(`/proc/${process}/fd/3`, leave);
      return bytes.length;
    },
    close: () => bash.close(),
  };
  using shell = new Shell({ console });
  await shell.run(`cat ${path}`);
  assertEquals(
    [...heard.matchAll(/^\w+ (data|more) c/gm)].map(([, verb]) => verb)
      .slice(0, 8),
    ["data", "more", "data", "data", "data", "more", "data", "more"],
  );
  await Deno.remove(path);
});

/**
 * Stands in for bash 4.4, where BASH_ARGV0 is a variable like any other, and
 * `wait` has no option -f.
 */
const BASH_4_4 = `unset BASH_ARGV0
wait() { [ "$1" != -f ] || return 2; builtin wait "$@"; }`;

for (const [name, before] of [["", ""], [" before 5.0", BASH_4_4]]) {
  Deno.test(`a command in a guest with bash${name}`, async (t) => {
    await using console = hostBash(`SHLVL=1\n${before}`);
    using shell = new Shell({ console });
    const cases: [string, string, number, string][] = [
      ["has its own status", "exit 7", 7, ""],
      ["is named as that of bash -c", "echo $0 $#", 0, "bash 0\n"],
      ["is one shell deeper than the guest's", "echo $SHLVL", 0, "2\n"],
      ["is a shell of its own", "[ $$ = $BASHPID ] || echo subshell", 0, ""],
      [
        "is not over when it is stopped",
        '{ until [[ $(</proc/$$/stat) == *") T "* ]]; do :; done; ' +
        "sleep 0.2; kill -CONT $$; } & kill -STOP $$; echo on",
        0,
        "on\n",
      ],
    ];
    for (const [name, command, status, output] of cases) {
      await t.step(name, async () => {
        const result = await shell.run(command, { timeout: 300 });
        assertEquals([result.status, text(result.stdout)], [status, output]);
      });
    }
  });
}

for (const command of [["dash"], ["busybox", "sh"], ["dash", "-u"]]) {
  const name = command.join(" ");
  Deno.test(`a backdoor that is ${name} becomes a bash`, async () => {
    await using console = hostBash("", command);
    using shell = new Shell({ console });
    const { stdout } = await shell.run("echo ${BASH_VERSION:+bash} $0");
    assertEquals(text(stdout), "bash bash\n");
  });

  Deno.test(`a backdoor that is ${name} says that there is no bash`, async () => {
    await using console = hostBash("PATH=/nonesuch", command);
    using shell = new Shell({ console });
    for (let n = 0; n < 2; n++) {
      await assertRejects(
        () => shell.run("true"),
        ShellLost,
        "The guest's backdoor shell is not bash, and finds no bash in its PATH",
      );
    }
  });
}

Deno.test("all pending commands fail when the shell is lost", async () => {
  await using console = hostBash();
  using shell = new Shell({ console });
  const running = shell.run("sleep 1000");
  await shell.run("true");
  shell.lose("the guest went away");
  await assertRejects(() => running, ShellLost, "the guest went away");
});

Deno.test("a greeting on the console", async (t) => {
  await using console = hostBash();
  using shell = new Shell({ console });
  const greeting = "echo 'Spawning backdoor root shell...'";

  await t.step("of another program ends nothing", async () => {
    const { stdout } = await shell.run(
      // The console, as what runs the command has it.
      `${greeting} >/proc/$PPID/fd/5; sleep 0.2; echo on`,
    );
    assertEquals(text(stdout), "on\n");
    assertEquals(shell.connected, true);
  });

  await t.step("of a new shell fails all pending commands", async () => {
    const running = shell.run("sleep 1000");
    const lost = assertRejects(() => running, ShellLost, "started again");
    await shell.run("true");
    await shell.send(
      `exec bash --norc -c "${greeting}; exec bash --norc /dev/stdin"`,
    );
    await lost;
    assertEquals(text((await shell.run("echo again")).stdout), "again\n");
  });
});

Deno.test("a shell that starts again before it was ready fails connects at once", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({ console: guest.console });
  const connecting = shell.connect();
  await guest.say("Spawning backdoor root shell...");
  await guest.heard("vw_token=");
  await guest.say("Spawning backdoor root shell...");
  const sent = await guest.heard(":-new");
  const [, question] = /echo "(\w+ shell \w+) [^"]*"\n$/.exec(sent)!;
  await guest.say(`${question} new`);
  await assertRejects(() => connecting, ShellLost, "started again");
  shell.connect().catch(() => {});
  await guest.heard("vw_token=", 2);
});

Deno.test("what the guest sends over the console", async (t) => {
  await using guest = scriptedGuest();
  using shell = new Shell({ console: guest.console });
  await guest.connect(shell);

  await t.step("waits for the host's leave, which all jobs share", async () => {
    const one = shell.run("echo one");
    await guest.heard("vw_run c0");
    await guest.answer("taken c0", "more c0 70");
    await guest.heard("vw_more 70 40\n");
    const two = shell.run("echo two");
    await guest.heard("vw_run c1");
    await guest.answer("taken c1", "more c1 71");
    await guest.heard("vw_more 71 20\n");
    await guest.answer("done c0 0 0 ", "done c1 0 0 ");
    await Promise.all([one, two]);
  });

  await t.step("is missed where a part of it does not come", async () => {
    for (
      const [id, numbers, message] of [
        ["c2", "5 0", "command's stdout: of 5 bytes, 3 have arrived"],
        ["c3", "3 7", "command's stderr: of 7 bytes, 0 have arrived"],
      ]
    ) {
      const running = shell.run("make", { stderr: "separate" });
      await guest.heard(`vw_run ${id}`);
      await guest.answer(`data ${id} 1 AAAA`, `done ${id} 0 ${numbers}`);
      await assertRejects(() => running, ShellLost, message);
    }
  });
});

Deno.test("a shell that greets before the news of its guest's reset is connected to", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({ console: guest.console });
  await guest.connect(shell);
  await guest.say("Spawning backdoor root shell...");
  await guest.heard(":-new");
  shell.reset("web was reset");
  const sent = await guest.heard(":-new", 2);
  for (const [, question] of sent.matchAll(/echo "(\w+ shell \w+) [^"]*"\n/g)) {
    await guest.say(`${question} new`);
  }
  shell.connect().catch(() => {});
  await guest.heard("vw_token=", 2);
});

Deno.test("a command that waits for a port is not sent to a shell without the guest's side", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({
    console: guest.console,
    ports: [{ name: "vw.0", stream: guest.silent() }],
  });
  await guest.connect(shell, "vw.0");
  const running = shell.run("rm -rf /important; echo hi");
  await guest.heard("vw_start vw.0");
  shell.lose("web was reset");
  await assertRejects(() => running, ShellLost, "web was reset");
  await guest.say("Spawning backdoor root shell...");
  shell.connect().catch(() => {});
  const sent = await guest.heard("vw_token=", 2);
  assertEquals(/important|vw_run c/.test(sent), false);
});

Deno.test("bytes that do not fit into the console are not sent to the next shell", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({ console: guest.console });
  await guest.connect(shell);
  guest.hold();
  const running = [
    shell.run("echo one"),
    shell.run("rm -rf /important; echo two"),
  ];
  const ends = running.map((one) => assertRejects(() => one, ShellLost));
  await guest.held;
  shell.lose("web was reset");
  guest.goOn();
  await Promise.all(ends);
  await guest.say("Spawning backdoor root shell...");
  shell.connect().catch(() => {});
  const sent = await guest.heard("vw_token=", 2);
  assertEquals(/important/.test(sent), false);
});

Deno.test("the rest of a command is no command to a new shell", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({ console: guest.console });
  await guest.connect(shell);
  const directory = await Deno.makeTempDir();
  shell.run(
    `true; echo "$(date)" >${directory}/a; {\ntouch ${directory}/b\n}`,
  ).catch(() => {});
  const frame = (await guest.heard("; vw_run ")).split("; vw_run ")[1];
  for (let from = 0; from < frame.length; from++) {
    const { code } = await new Deno.Command("bash", {
      args: ["-c", frame.slice(from)],
      stderr: "null",
      cwd: directory,
    }).output();
    assertEquals(code > 0, true, `from ${from}`);
  }
  assertEquals([...Deno.readDirSync(directory)], []);
  await Deno.remove(directory);
});

Deno.test("a command that waits for the shell ends with its signal, and does not run later", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({ console: guest.console });
  const controller = new AbortController();
  const { signal } = controller;
  const running = shell.run("echo nonesuch", { signal });
  controller.abort(new Error("enough"));
  await assertRejects(() => running, Error, "enough");
  await guest.connect(shell);
  shell.run("echo later").catch(() => {});
  assertEquals((await guest.heard("later")).includes("nonesuch"), false);
});

Deno.test("a command that waits for a port ends with its signal", async () => {
  await using guest = scriptedGuest();
  using shell = new Shell({
    console: guest.console,
    ports: [{ name: "vw.0", stream: guest.silent() }],
  });
  await guest.connect(shell, "vw.0");
  const controller = new AbortController();
  const running = shell.run("echo nonesuch", { signal: controller.signal });
  await guest.heard("vw_start");
  controller.abort(new Error("enough"));
  await assertRejects(() => running, Error, "enough");
});

/** A shell with one port, at which no runner waits yet. */
async function withPort(guest: ScriptedGuest, stream: ByteStream) {
  const shell = new Shell({
    console: guest.console,
    ports: [{ name: "vw.0", stream }],
  });
  await guest.connect(shell, "vw.0");
  const [, mark] = /vw_start vw.0 (\d+)/.exec(await guest.heard("vw_start"))!;
  await guest.answer(`open vw.0 ${mark}`);
  return { shell, mark };
}

Deno.test("a command goes to a living runner", async (t) => {
  await using guest = scriptedGuest();
  const stream = guest.port();
  const { shell: opened, mark } = await withPort(guest, stream);
  using shell = opened;
  await stream.heard(mark);

  await t.step("even if one was killed just when it was ready", async () => {
    const running = shell.run("true");
    stream.say("rdy0000001", "137", "rdy0000002");
    assertMatch(await stream.heard("true"), /\n2 {7} .*true'$/);
    stream.say("0");
    assertEquals((await running).status, 0);
  });

  await t.step("even if one was killed while it waited", async () => {
    stream.say("rdy0000003", "137");
    const running = shell.run("false");
    stream.say("rdy0000004");
    assertMatch(await stream.heard("false"), /'4 {7} .*false'$/);
    stream.say("1");
    assertEquals((await running).status, 1);
  });
});

/** A shell that was taken for dead, since it did not answer. */
async function takenForDead(guest: ScriptedGuest): Promise<Shell> {
  const port = guest.port();
  const { shell, mark } = await withPort(guest, port);
  await port.heard(mark);
  const running = shell.run("true");
  port.say("rdy0000001");
  await port.heard("true");
  const lost = assertRejects(() => running, ShellLost, "shell died");
  {
    using clock = fakeClock();
    shell.portClosed("vw.0");
    await passInSteps(clock, 31, 1);
  }
  await lost;
  return shell;
}

Deno.test("a shell that was taken for dead is connected to when it answers", async () => {
  await using guest = scriptedGuest();
  using shell = await takenForDead(guest);
  assertEquals(shell.hasDied, true);
  const again = shell.run("false").catch(() => {});
  const [, question] = /echo "(\w+ shell \w+) /.exec(
    await guest.heard(":-new"),
  )!;
  await guest.say(`${question} vw`);
  await guest.heard("vw_token=", 2);
  assertEquals(shell.hasDied, false);
  shell.close();
  await again;
});

Deno.test("a shell that was taken for dead is that of an earlier boot after a reset", async () => {
  await using guest = scriptedGuest();
  using shell = await takenForDead(guest);
  shell.reset("web was reset");
  assertEquals(shell.hasDied, false);
});

Deno.test("a shell that is lost otherwise has not died", async () => {
  await using guest = scriptedGuest();
  using shell = await takenForDead(guest);
  await guest.connect(shell, "vw.0");
  shell.lose("web reboots");
  assertEquals(shell.hasDied, false);
});

Deno.test("a command whose port breaks has lost its shell", async () => {
  await using guest = scriptedGuest();
  const port = guest.port();
  let write = port.write;
  const { shell: opened, mark } = await withPort(guest, {
    ...port,
    write: (bytes) => write(bytes),
  });
  using shell = opened;
  await port.heard(mark);
  write = () => Promise.reject(new Deno.errors.BrokenPipe("os error 32"));
  const running = shell.run("true");
  port.say("rdy0000001");
  await assertRejects(() => running, ShellLost, "port was closed");
});

Deno.test("a command that ended before its guest did has its status", async () => {
  const guest = scriptedGuest();
  const port = guest.port();
  using shell = new Shell({
    console: guest.console,
    ports: [{ name: "vw.0", stream: port }],
  });
  await guest.connect(shell, "vw.0");
  const running = shell.run("echo hi");
  const [, mark] = /vw_start vw.0 (\w+)/.exec(
    await guest.heard("vw_start vw.0"),
  )!;
  await guest.answer(`open vw.0 ${mark}`);
  port.say("rdy0000041");
  await port.heard("echo hi");
  // The end of the console is read first.
  await guest[Symbol.asyncDispose]();
  await turn();
  port.say("0");
  port.close();
  assertEquals((await running).status, 0);
  await assertRejects(() => shell.run("echo hi"), ShellLost);
});

Deno.test("a source of stdin that breaks as a port does fails its command only", async () => {
  await using guest = scriptedGuest();
  const port = guest.port();
  const { shell: opened, mark } = await withPort(guest, port);
  using shell = opened;
  await port.heard(mark);
  const running = shell.run("cat", {
    // deno-lint-ignore require-yield
    stdin: (async function* () {
      await port.heard("cat");
      throw new Deno.errors.BrokenPipe("the source's");
    })(),
  });
  port.say("rdy0000001");
  await assertRejects(() => running, Deno.errors.BrokenPipe, "the source's");
  // Nobody is to read what it would have been sent.
  await guest.heard("vw_stop vw.0");
});

Deno.test("a source of stdin that fails fails its command, and no other", async () => {
  await using console = hostBash();
  using shell = new Shell({ console });
  // deno-lint-ignore require-yield
  const broken = (async function* (): AsyncGenerator<Uint8Array> {
    throw new Error("the disk is on fire");
  })();
  await assertRejects(
    () => shell.run("cat", { stdin: broken }),
    Error,
    "on fire",
  );
  assertEquals((await shell.run("true")).status, 0);
});

Deno.test("a command is not sent if nobody waits for its stdin any more", async () => {
  await using console = hostBash();
  using shell = new Shell({ console });
  const controller = new AbortController();
  const directory = await Deno.makeTempDir();
  const asked = Promise.withResolvers<void>();
  const given = Promise.withResolvers<void>();
  const slow = (async function* () {
    asked.resolve();
    await given.promise;
    yield new Uint8Array(1);
  })();
  const running = shell.run(`touch ${directory}/run`, {
    stdin: slow,
    signal: controller.signal,
  });
  await asked.promise;
  controller.abort(new Error("enough"));
  await assertRejects(() => running, Error, "enough");
  given.resolve();
  await shell.run("true");
  await shell.run("true");
  assertEquals([...Deno.readDirSync(directory)], []);
  await Deno.remove(directory);
});
