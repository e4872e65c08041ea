/**
 * The command channel over a virtual socket. A program stands in for the
 * hypervisor: it takes CONNECT and gives each connection a bash of the host.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { VsockChannel } from "../../../src/backend/microvm/channel.ts";
import { HybridVsock } from "../../../src/backend/microvm/vsock.ts";
import { type RunOptions, Shell, ShellLost } from "../../../src/shell/mod.ts";
import { delay } from "../../../src/time/mod.ts";

/** A shell over a virtual socket that a program stands in for. */
async function open() {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/vsock`;
  const listen = async () => {
    await Deno.remove(path).catch(() => {});
    const program = new URL("./vsock_stand_in.py", import.meta.url).pathname;
    return new Deno.Command("python3", {
      args: [program, path],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
  };
  const vsock = new HybridVsock(path);
  const channel = new VsockChannel(vsock);
  const warnings: string[] = [];
  const shell = new Shell({
    console: channel.console,
    ports: channel.ports,
    onWarning: (text) => void warnings.push(text),
  });
  const decoder = new TextDecoder();
  const said = async (command: string, options?: RunOptions) => {
    const { status, stdout } = await shell.run(command, options);
    return [status, decoder.decode(stdout)];
  };
  return {
    path,
    listen,
    vsock,
    channel,
    warnings,
    shell,
    said,
    async [Symbol.asyncDispose]() {
      shell.close();
      channel.close();
      vsock.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test("commands over a virtual socket", async (t) => {
  await using test = await open();
  const { said, shell, warnings } = test;
  const process = await test.listen();

  await t.step("are answered with their status and whole output", async () => {
    assertEquals(await said("echo hi; exit 3"), [3, "hi\n"]);
    assertEquals(await said("nosuch 2>/dev/null"), [127, ""]);
    assertEquals(await said("kill -9 $$"), [137, ""]);
    const { stdout } = await shell.run("head -c 5000000 /dev/zero");
    assertEquals(stdout.length, 5_000_000);
    assertEquals(await said("echo x >/dev/stdout; echo y | tee /dev/stdout"), [
      0,
      "x\ny\ny\n",
    ]);
  });

  await t.step("run any number at once", async () => {
    const numbers = Array.from({ length: 30 }, (_, n) => n);
    assertEquals(
      await Promise.all(numbers.map((n) => said(`sleep 0.05; echo ${n}`))),
      numbers.map((n) => [0, `${n}\n`]),
    );
  });

  await t.step("end at their deadlines, with all of their group", async () => {
    // No other run of this test has the same.
    const long = `sleep 987.${Deno.pid}`;
    const { status, timedOut } = await shell.run(
      `trap '' TERM; ${long} & ${long}`,
      { timeout: 0.1 },
    );
    assertEquals([status, timedOut], [124, true]);
    // A process that was killed takes a moment to end.
    await said(`while pgrep -fx '${long}'; do sleep 0.02; done`);
  });

  await t.step("take their stdin", async () => {
    const bytes = new TextEncoder().encode("abc\n");
    const stdin = (async function* () {
      yield bytes;
    })();
    assertEquals(await said("read -r a; echo $a", { stdin }), [0, "abc\n"]);
  });

  await t.step("leave children behind that nobody waits for long", async () => {
    assertEquals(await said("{ sleep 0.3; echo late; } & echo early"), [
      0,
      "early\nlate\n",
    ]);
    assertEquals(warnings, []);
    const left = "setsid bash -c 'while sleep 0.1; do echo on; done' & " +
      "echo $! >$HERE; echo left; exit 5";
    const [status, output] = await said(
      left.replaceAll("$HERE", `"${test.path}.left"`),
    );
    assertEquals(status, 5);
    assertMatch(`${output}`, /^left\n(on\n)*$/);
    // Others don't get its output, and it lives.
    for (let n = 0; n < 20; n++) assertEquals(await said("echo a"), [0, "a\n"]);
    const one = `$(cat "${test.path}.left")`;
    assertEquals(await said(`kill -0 ${one}`), [0, ""]);
    while (warnings.length === 0) await said(":");
    // Both have its output, and either may be the one that is found.
    assertMatch(warnings[0], /left (bash|sleep) \(process \d+\)/);
    assertEquals(await said(`kill -KILL -- -${one}`), [0, ""]);
  });

  await t.step("have stderr apart", async () => {
    const { stdout, stderr } = await shell.run("echo o; echo e >&2", {
      stderr: "separate",
    });
    const decoder = new TextDecoder();
    assertEquals([stdout, stderr].map((one) => decoder.decode(one)), [
      "o\n",
      "e\n",
    ]);
  });

  await t.step("wait while nobody is to connect", async () => {
    const { vsock, channel } = test;
    const until = Promise.withResolvers<void>();
    await shell.leave(until.promise, AbortSignal.timeout(60_000));
    vsock.hold();
    channel.hangUp();
    let isAnswered = false;
    const answer = said("echo on").finally(() => isAnswered = true);
    until.resolve();
    // One that the guest's end closes, as before a snapshot.
    const signal = AbortSignal.timeout(60_000);
    const stream = await vsock.dial(signal, { isHeld: false });
    await stream.write(new TextEncoder().encode("exit\n"));
    assertEquals(await stream.read(new Uint8Array(1)), null);
    stream.close();
    assert(!isAnswered);
    vsock.release();
    assertEquals(await answer, [0, "on\n"]);
  });

  await t.step("fail where their connection ends", async () => {
    await assertRejects(
      () => shell.run("kill -9 $PPID; kill -9 $(ps -o ppid= $PPID); sleep 100"),
      ShellLost,
    );
    assertEquals(await said("echo on"), [0, "on\n"]);
  });

  await t.step("go on in a guest that begins anew", async () => {
    const begun = `${test.path}.begun`;
    const running = shell.run(`echo $$ >"${begun}"; exec sleep 1000`);
    running.catch(() => {});
    await said(`until [ -s "${begun}" ]; do sleep 0.02; done`);
    process.kill();
    await process.status;
    // The shells of the program outlive it, as those of a guest do not.
    test.channel.hangUp();
    const next = await test.listen();
    await assertRejects(() => running, ShellLost);
    assertEquals(await said("echo again"), [0, "again\n"]);
    next.kill();
    await next.status;
    Deno.kill(Number(await Deno.readTextFile(begun)));
  });
});

Deno.test("a guest that calls is connected to at once", async () => {
  await using test = await open();
  const connected = test.shell.connect();
  // By now, the pauses between two tries are long.
  await delay(1);
  const process = await test.listen();
  assert(!test.vsock.hasCalled);
  const call = await Deno.connect({
    transport: "unix",
    path: `${test.path}_1234`,
  });
  assertEquals(await call.read(new Uint8Array(1)), null);
  call.close();
  assert(test.vsock.hasCalled);
  await connected;
  assertEquals(await test.said("echo hi"), [0, "hi\n"]);
  process.kill();
  await process.status;
});
