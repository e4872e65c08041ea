/**
 * A backdoor shell with a controlling terminal, as in NixOS: `script` gives it
 * one on the host.
 */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Shell, ShellLost } from "../../src/shell/mod.ts";
import type { ByteStream } from "../../src/stream/mod.ts";
import { delay } from "../../src/time/mod.ts";
import { hostBash } from "./host_bash.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/**
 * A shell on a terminal.
 *
 * @param command What becomes the shell.
 * @param before What the shell runs before it greets.
 * @param settings How the terminal is set.
 */
function onTerminal(
  command: string,
  before = "",
  settings = "raw -echo",
): ByteStream & AsyncDisposable {
  const console = hostBash(before, [
    ..."script --quiet --echo never --return --command".split(" "),
    `stty ${settings}; exec ${command}`,
    "/dev/null",
  ]);
  return {
    read: (buffer) => console.read(buffer),
    write: (bytes) => console.write(bytes),
    close() {
      // A terminal in raw mode has no end of its input.
      console.write(new TextEncoder().encode("\nexit\n")).catch(() => {});
      console.close();
    },
    [Symbol.asyncDispose]: () => console[Symbol.asyncDispose](),
  };
}

/** The session of a process, and whether that has a controlling terminal. */
const SESSION = "read -r stat </proc/self/stat; set -- ${stat##*) }; " +
  "echo $4; [ $5 = 0 ] || echo terminal";

/** Shells at a terminal, and what their commands have in the environment. */
const shells = {
  "a script": { command: 'bash --norc "$(tty)"', environment: "SHLVL=2\n" },
  "stdin, after a shell that is no bash": {
    command: "dash",
    // The bash that it becomes counts itself.
    environment: "SHLVL=3\n",
  },
  "a script, in posix mode": {
    command: 'env POSIXLY_CORRECT=1 BASH_ENV=/nonesuch bash --norc "$(tty)"',
    environment: "BASH_ENV=/nonesuch\nPOSIXLY_CORRECT=1\nSHLVL=2\n",
  },
};

for (const [way, { command, environment }] of Object.entries(shells)) {
  Deno.test(`a shell whose terminal is ${way}`, async (t) => {
    await using console = onTerminal(command, "export SHLVL=1");
    using shell = new Shell({ console });
    const answer = async (command: string) => {
      const { status, stdout } = await shell.run(command, { timeout: 60 });
      return status === 0 ? text(stdout) : `status ${status}`;
    };

    await t.step("runs commands without a terminal", async () => {
      assertMatch(await answer(SESSION), /^\d+\n$/);
      assertEquals(await answer("true </dev/tty || echo none"), "none\n");
    });

    await t.step("so that nobody who asks for one stands still", async () => {
      assertEquals(await answer("bash --norc -i -c 'echo on'"), "on\n");
      assertEquals(await answer("bash --norc -i <<<'echo on'"), "on\n");
    });

    await t.step("in the environment that it has itself", async () => {
      assertEquals(
        await answer("env | grep -E '^(SHLVL|BASH_ENV|POSIX)' | sort"),
        environment,
      );
      assertEquals(await answer("compgen -v | grep ^vw_ || :"), "");
    });

    await t.step("and ends with the one that runs them", async () => {
      const directory = await Deno.makeTempDir();
      const running = shell.run(
        `while kill -0 $PPID; do echo >${directory}/begun; sleep 0.1; done; ` +
          `echo >${directory}/ended`,
      );
      const lost = assertRejects(
        () => running,
        ShellLost,
        "closed its console",
      );
      await there(`${directory}/begun`);
      await shell.send("kill -KILL $$");
      await lost;
      await there(`${directory}/ended`);
      await Deno.remove(directory, { recursive: true });
    });
  });
}

for (
  const [way, setsid] of Object.entries({
    "says that it has failed": "#!/bin/sh\nexit 1\n",
    "does not find bash": "#!/bin/sh\nexit 127\n",
    "is no program": "\x7fELF",
    "ends its bash before that begins": "#!/bin/sh\nkill -KILL $$\n",
  })
) {
  Deno.test(`a shell on a terminal goes on itself where setsid ${way}`, async () => {
    const directory = await Deno.makeTempDir();
    await Deno.writeTextFile(
      `${directory}/setsid`,
      setsid.replace("\n", `\necho tried >>${directory}/tries\n`),
      { mode: 0o755 },
    );
    {
      await using console = onTerminal(
        `env "PATH=${directory}:$PATH" bash --norc "$(tty)"`,
      );
      using shell = new Shell({ console });
      const session = text((await shell.run(SESSION)).stdout);
      assertMatch(session, /^\d+\nterminal\n$/);
      // In another session with the host, it does not try once more.
      shell.lose("The host has forgotten the shell");
      await shell.answer();
      assertEquals(text((await shell.run(SESSION)).stdout), session);
    }
    if (setsid.startsWith("#!")) {
      const tries = await Deno.readTextFile(`${directory}/tries`);
      assertEquals(tries, "tried\n");
    }
    await Deno.remove(directory, { recursive: true });
  });
}

Deno.test("a shell on a terminal tries setsid once, also where that changes nothing", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${directory}/setsid`,
    `#!/bin/sh\necho tried >>${directory}/tries\n` +
      // At the second try, ends what would go on for ever.
      `[ "$(wc -l <${directory}/tries)" = 1 ] && exec "$@"\n`,
    { mode: 0o755 },
  );
  {
    await using console = onTerminal(
      `env "PATH=${directory}:$PATH" bash --norc "$(tty)"`,
    );
    using shell = new Shell({ console });
    assertMatch(text((await shell.run(SESSION)).stdout), /^\d+\nterminal\n$/);
    const tries = await Deno.readTextFile(`${directory}/tries`);
    assertEquals(tries, "tried\n");
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a shell on a terminal without setsid goes on itself, and says nothing", async () => {
  await using console = onTerminal('bash --norc "$(tty)"', "PATH=/nonesuch");
  const noise: string[] = [];
  using shell = new Shell({ console, onNoise: (line) => noise.push(line) });
  assertMatch(text((await shell.run(SESSION)).stdout), /^\d+\nterminal\n$/);
  assertEquals(noise.filter((line) => line.includes("setsid")), []);
});

Deno.test("a shell on a terminal that reads something else goes on with that", async () => {
  const directory = await Deno.makeTempDir();
  const fifo = `${directory}/fifo`;
  {
    await using console = onTerminal(
      `bash -c 'mkfifo "$0"; cat <&0 >"$0" & exec bash --norc "$0" <"$0"' ${fifo}`,
    );
    using shell = new Shell({ console });
    const { stdout } = await shell.run(SESSION);
    assertMatch(text(stdout), /^\d+\nterminal\n$/);
  }
  await Deno.remove(directory, { recursive: true });
});

for (
  const [way, before] of Object.entries({
    "on which they are apart": "",
    "that it does not leave": "hash -p /nonesuch setsid",
    "without base64, too": "type() { false; }",
  })
) {
  Deno.test(`several commands on a terminal that echoes come as a whole, ${way}`, async () => {
    await using console = onTerminal('bash --norc "$(tty)"', before, "echo");
    const noise: string[] = [];
    using shell = new Shell({ console, onNoise: (line) => noise.push(line) });
    const command = "seq 9999; printf '\\377%.0s' {1..9999}";
    const many = await Promise.all(
      Array.from({ length: 6 }, () => shell.run(command, { timeout: 100 })),
    );
    assertEquals(
      many.map(({ stdout }) => stdout.length),
      Array(6).fill(58_887),
    );
    assertEquals(noise.filter((line) => /vw_more \d/.test(line)), []);
  });
}

/** Waits for a file. */
async function there(path: string): Promise<void> {
  while (!await Deno.stat(path).then(() => true, () => false)) {
    await delay(0.01);
  }
}
