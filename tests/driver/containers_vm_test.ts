/**
 * What a machine does that is a container: one of systemd-nspawn's, with a
 * systemd of its own, in the place of NixOS's.
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { toText } from "@std/streams";
import {
  ContainerMachine,
  MachineError,
  type MachineOf,
  TestFailure,
} from "../../mod.ts";
import { decodePng } from "../../src/machine/hands/picture.ts";
import { noContainers } from "../guests/container.ts";
import { guest } from "../guests/mod.ts";
import { contained } from "./contained.ts";
import { ownVlan } from "./own_vlan.ts";

const ignore = noContainers !== undefined;

Deno.test("a container is a machine", { ignore }, async (t) => {
  Deno.env.set("ONLY_ON_THE_HOST", "1");
  await using test = await contained();
  const { driver, jail, place, outDir } = test;

  await t.step("is distinguished from QEMU's machines", () => {
    assertEquals(driver.machines, [jail]);
    assertEquals(driver.machinesNspawn, [jail]);
    assertEquals(driver.machinesQemu, []);
    const { machine, machinesNspawn, machinesQemu } = driver.bindings();
    assertEquals([machine, machinesNspawn, machinesQemu], [jail, [jail], []]);
    assert(jail instanceof ContainerMachine);
    assertEquals(jail.backend, "nspawn");
  });

  await t.step(
    "which commands find as a login shell of root's does",
    async () => {
      assertEquals(
        await jail.succeed("hostname; id -un; pwd"),
        "jail\nroot\n/\n",
      );
    },
  );

  await t.step(
    "with its profile, and nothing of the host's environment",
    async () => {
      const environment = await jail.succeed("env");
      assertMatch(environment, /^FROM_PROFILE=yes$/m);
      assertMatch(environment, /^HOME=\/root$/m);
      assertEquals(environment.includes("ONLY_ON_THE_HOST"), false);
    },
  );

  await t.step(
    "answers with status and output, and says stderr on its console",
    async () => {
      assertEquals(
        await jail.execute("echo out; echo to stderr >&2; exit 3"),
        [3, "out\n"],
      );
      await jail.waitForConsoleText("to stderr");
      await assertRejects(
        () => jail.succeed("echo why; false"),
        TestFailure,
        "why",
      );
      assertEquals((await jail.execute("sleep 60", { timeout: 0.1 }))[0], 124);
    },
  );

  await t.step("runs commands at the same time", async () => {
    const [, heard] = await Promise.all([
      jail.succeed("mkfifo /run/pipe; echo met > /run/pipe"),
      jail.succeed("until [ -p /run/pipe ]; do :; done; cat /run/pipe"),
    ]);
    assertEquals(heard, "met\n");
  });

  await t.step("waits for units, files and ports", async () => {
    await jail.waitForUnit("multi-user.target");
    await jail.succeed("systemd-run --unit=bad false || :");
    await assertRejects(() => jail.waitForUnit("bad"), TestFailure, "bad");
    const later = Promise.all([
      jail.waitForFile("/run/later"),
      jail.waitForOpenPort(8080),
    ]);
    await jail.succeed("touch /run/later");
    await jail.succeed(
      "systemd-run systemd-socket-activate -l 8080 --accept --inetd cat",
    );
    await later;
  });

  await t.step(
    "has its journal and its systemd on the console, and all of it in a file",
    async () => {
      await jail.succeed("echo said by a service | systemd-cat");
      await jail.waitForConsoleText("said by a service");
      assertStringIncludes(await jail.getConsoleLog(), "Welcome to");
      assertStringIncludes(
        await Deno.readTextFile(`${outDir}/jail.log`),
        "said by a service",
      );
    },
  );

  await t.step("has a part of its processors' time where it can", async () => {
    const controllers = "/sys/fs/cgroup/cgroup.controllers";
    const [, said] = await jail.execute(`cat ${controllers} 2>/dev/null`);
    const quota =
      "systemctl show --property=CPUQuotaPerSecUSec --value system.slice";
    const isLimited = async () => await jail.succeed(quota) !== "infinity\n";
    if (said.split(/\s/).includes("cpu")) {
      const limit = await jail.limitCpu(0.5);
      assert(await isLimited());
      await limit.heal();
    } else {
      await assertRejects(
        () => jail.limitCpu(0.5),
        TestFailure,
        "the processor time of jail can't be limited: it has no control groups",
      );
    }
    assert(!await isLimited());
  });

  await t.step("takes files and trees, and gives them back", async () => {
    await Deno.mkdir(`${place}/tree`);
    await Deno.writeTextFile(`${place}/tree/file`, "of the host\n");
    await jail.copyFromHost(`${place}/tree`, "/root/tree");
    await jail.copyFromHostViaShell(`${place}/tree/file`, "/root/tree/other");
    await jail.copyFromMachine("/root/tree", "back");
    assertEquals(
      await Deno.readTextFile(`${outDir}/back/tree/other`),
      "of the host\n",
    );
  });

  /** A connection with a shell on a terminal of its own, and the end of that. */
  async function terminal(name: string) {
    const path = `${place}/${name}`;
    const { promise: waits, resolve } = Promise.withResolvers<void>();
    driver.log.addListener({
      on: (event) => {
        if (event.type === "message" && event.text.endsWith(`unix:${path}`)) {
          resolve();
        }
      },
    });
    const interacting = jail.shellInteract(`unix-listen:${path}`);
    await Promise.race([waits, interacting]);
    const connection = await Deno.connect({ transport: "unix", path });
    return {
      connection,
      interacting,
      type: (text: string) => connection.write(new TextEncoder().encode(text)),
    };
  }

  await t.step("has shells at terminals of its own", async () => {
    const { connection, interacting, type } = await terminal("shell");
    await type(
      "echo $(tty) $(stty size) $(stty -a | grep -o '[-]*echo ') " +
        "$(tty </dev/tty) $- $HOME $TERM $ONLY_ON_THE_HOST.; printf 'last\\0'; exit\r",
    );
    const text = await toText(connection.readable);
    assertMatch(
      text,
      /\/dev\/pts\/\d+ 24 80 echo \/dev\/tty \w*i\w*m\w* \/root [\w.+-]+ \.\r\n/,
    );
    assertMatch(text, /last\0exit\r\n$/);
    // A shell without a terminal that is its own says so.
    assert(!/job control|ioctl/.test(text), text);
    await interacting;
  });

  await t.step("uses the host's script if it has none", async () => {
    const script = "/usr/bin/script";
    await jail.succeed(`mount --bind /dev/null ${script}`);
    const path = Deno.env.get("PATH")!;
    try {
      const error = await assertRejects(async () => {
        const { connection, interacting } = await terminal("without");
        await toText(connection.readable);
        await interacting;
      }, MachineError);
      assertEquals(
        error.message,
        "jail can't have a terminal: the container has no script, which makes terminals",
      );

      // The same place on both sides, as the paths of a store are.
      await Deno.mkdir(`${place}/bin`);
      await Deno.copyFile(script, `${place}/bin/script`);
      await jail.copyFromHost(`${place}/bin`, `${place}/bin`);
      Deno.env.set("PATH", `${place}/bin:${path}`);
      const { connection, interacting, type } = await terminal("with");
      await type("echo $((6 * 7)); exit\r");
      assertMatch(await toText(connection.readable), /\r42\r\n/);
      await interacting;
    } finally {
      Deno.env.set("PATH", path);
      await jail.succeed(`umount ${script}`);
    }
  });

  await t.step("hangs up when the other end leaves", async () => {
    const { connection, interacting, type } = await terminal("left");
    await type("sleep 12345\r");
    await jail.waitUntilSucceeds("pgrep -fx 'sleep 12345'", { timeout: 60 });
    const other = await terminal("other");
    connection.close();
    await interacting;
    await jail.waitUntilFails("pgrep -fx 'sleep 12345'", { timeout: 60 });
    // That of another goes on.
    await other.type("exit\r");
    await other.interacting;
    await jail.waitUntilFails("pgrep -x script", { timeout: 60 });
  });

  await t.step("says in one sentence what it can't do", async () => {
    // A script whose types nobody has checked.
    const any = jail as unknown as MachineOf<"qemu">;
    const questions: [what: string, need: string, ask: () => unknown][] = [
      ["sendKey()", "a keyboard", () => any.send_key("ret")],
      ["sendChars()", "a keyboard", () => any.sendChars("a")],
      ["qmpClient", "QEMU's monitor", () => any.qmpClient],
    ];
    for (const [what, need, ask] of questions) {
      const error = await assertRejects(async () => await ask(), MachineError);
      assertEquals(
        error.message,
        `${what} needs ${need}, which systemd-nspawn does not give jail`,
      );
    }
    await jail.succeed("true");
  });

  await t.step("is pictured by a program that it has", async () => {
    const error = await assertRejects(
      () => jail.screenshot("none"),
      MachineError,
    );
    assertMatch(
      error.message,
      /^systemd-nspawn gives jail no screen, and its /,
    );
    // What grim makes its picture of, and what stands for grim: first in PATH.
    await jail.execute(
      "mkdir -p /run/user/7; " +
        "exec systemd-socket-activate -l /run/user/7/wayland-1 true",
      { checkOutput: false },
    );
    await jail.waitForFile("/run/user/7/wayland-1", { timeout: 60 });
    await jail.succeed(
      "mount -t tmpfs none /usr/sbin",
      "printf '#!/bin/bash\nprintf \"P6\\n1 1\\n255\\nabc\"\n' " +
        ">/usr/sbin/grim",
      "chmod +x /usr/sbin/grim",
    );
    await jail.screenshot("one");
    const picture = await decodePng(await Deno.readFile(`${outDir}/one.png`));
    assertEquals(picture, {
      width: 1,
      height: 1,
      rgb: new TextEncoder().encode("abc"),
    });
    await jail.succeed("umount /usr/sbin");
  });

  await t.step("connects again after the loss of its shell", async () => {
    jail.disconnect();
    assertEquals(await jail.succeed("echo again"), "again\n");
    await assertRejects(
      () =>
        jail.succeed(
          "read -r _ _ _ it _ < /proc/$PPID/stat; kill -9 $it; sleep 1000",
        ),
      MachineError,
    );
    assertEquals(await jail.succeed("echo again"), "again\n");
  });

  await t.step("survives that its systemd replaces itself", async () => {
    await jail.succeed("systemctl daemon-reexec");
    assertEquals(await jail.succeed("echo still there"), "still there\n");
  });

  await t.step("keeps its disk over a reboot, and nothing else", async () => {
    await jail.succeed("touch /root/kept /run/lost");
    await jail.reboot();
    await jail.succeed("[ -e /root/kept ] && [ ! -e /run/lost ]");
  });

  await t.step("shuts down, and starts again", async () => {
    await jail.shutdown();
    assertEquals(jail.booted, false);
    assertEquals(jail.pid, undefined);
    assertEquals(await jail.succeed("echo up"), "up\n");
  });
});

Deno.test("the end of a container fails all waits for it at once", {
  ignore,
}, async (t) => {
  await using test = await contained();
  const { jail } = test;
  const ends: [string, RegExp, () => Promise<unknown>][] = [
    [
      "it is crashed",
      /^jail ended: the container was stopped/,
      () => jail.crash(),
    ],
    [
      "it powers itself off",
      /^jail ended: the container powered off/,
      () => jail.succeed("systemctl poweroff --no-block"),
    ],
    [
      "it reboots by itself",
      /^jail ended: the container rebooted/,
      () => jail.succeed("systemctl reboot --no-block"),
    ],
    [
      "its start script is killed",
      /^jail ended: its start script was killed by SIGKILL/,
      () => Promise.resolve(Deno.kill(jail.pid!, "SIGKILL")),
    ],
  ];
  for (const [name, message, end] of ends) {
    await t.step(`when ${name}`, async () => {
      await jail.waitForUnit("multi-user.target");
      const waiting = [
        jail.succeed("sleep 1000"),
        jail.waitForFile("/never"),
        jail.waitUntilSucceeds("false"),
        jail.waitForConsoleText("what nobody says"),
      ].map((wait) => assertRejects(() => wait, MachineError));
      await jail.waitUntilSucceeds("grep -qsx sleep /proc/[0-9]*/comm");
      await end();
      for (const wait of waiting) assertMatch((await wait).message, message);
      await jail.waitForShutdown();
      assertEquals(jail.booted, false);
    });
  }
});

Deno.test(
  "a start script that fails says what it said",
  { ignore },
  async () => {
    await using test = await contained();
    const { driver, place } = test;
    const script = `${place}/run-broken-nspawn`;
    await Deno.writeTextFile(script, "#!/bin/sh\necho no root >&2; exit 4\n", {
      mode: 0o755,
    });
    const broken = driver.createMachine(script);
    assertEquals<string>(broken.backend, "nspawn");
    const error = await assertRejects(
      () => broken.succeed("true"),
      MachineError,
    );
    assertStringIncludes(
      error.message,
      "broken ended: its start script ended with status 4, and said last:\n" +
        "no root",
    );
  },
);

Deno.test(
  "two containers share a network, and nothing else",
  { ignore },
  async () => {
    const vlan = ownVlan("containers");
    await using test = await contained({
      containers: { cell: { vlan, number: 11 }, jail: { vlan, number: 12 } },
    });
    const [cell, jail] = test.driver.machines;
    await test.driver.startAll();
    for (const one of [cell, jail]) {
      await one.waitForUnit("multi-user.target");
      await one.succeed("systemd-run --unit=same sleep 1000");
    }
    await cell.succeed("systemctl stop same");
    await jail.succeed("systemctl is-active same");
    await cell.succeed(
      "systemd-run systemd-socket-activate -l 80 --accept --inetd cat",
    );
    await jail.waitForOpenPort(80, { addr: `192.168.${vlan}.11` });
    await cell.crash();
    await jail.succeed("true");
  },
);

Deno.test("a container and a virtual machine reach each other on a VLAN", {
  ignore,
}, async () => {
  const vlan = ownVlan("containers");
  const { startScriptFor } = await guest("tiny");
  await using test = await contained({
    containers: { jail: { vlan, number: 11 } },
    machines: [startScriptFor("node2")],
    vlans: [vlan],
  });
  const { driver, jail } = test;
  const [node2] = driver.machinesQemu;
  assertEquals(driver.machines, [jail, node2]);
  await driver.startAll();
  await jail.waitForUnit("multi-user.target");
  await node2.waitUntilSucceeds(`ping -c 1 -W 1 192.168.${vlan}.11`, {
    timeout: 60,
  });
  await jail.succeed(
    "systemd-run systemd-socket-activate -l 80 --accept --inetd cat /etc/hosts",
  );
  await jail.waitForOpenPort(80);
  assertStringIncludes(
    await node2.succeed(`nc 192.168.${vlan}.11 80 < /dev/null`),
    "localhost jail",
  );
});
