import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { booted } from "../booted.ts";

Deno.test("trees of a guest with GNU tar are copied while they are in use", async (t) => {
  await using test = await booted({ guest: "debian" });
  const { machine, outDir, events } = test;
  await machine.connect();
  const lastWarning = () =>
    events.filter((event) => event.type === "message")
      .findLast(({ level }) => level === "warning")!.text;

  await t.step("sockets are left out, and told", async () => {
    await machine.succeed(
      "mkdir /root/tree; echo 1 >/root/tree/file",
      "systemd-run --unit=sock systemd-socket-activate -l /root/tree/socket cat",
      "until [ -S /root/tree/socket ]; do sleep 0.1; done",
    );
    await machine.copyFromMachine("/root/tree");
    assertEquals(
      [...Deno.readDirSync(`${outDir}/tree`)].map(({ name }) => name),
      ["file"],
    );
    assertStringIncludes(lastWarning(), "left out: /root/tree/socket");
  });

  await t.step("a file that grows is copied", async () => {
    await machine.succeed(
      "mkdir /root/logs; head -c 8M /dev/zero >/root/logs/log",
      "systemd-run --unit=grow bash -c " +
        "'while :; do echo more >>/root/logs/log; done'",
    );
    for (let times = 0; times < 3; times++) {
      await machine.copyFromMachine("/root/logs");
      assert(Deno.statSync(`${outDir}/logs/log`).size >= 8 << 20);
    }
    await machine.systemctl("stop grow");
  });

  await t.step("a tree of bits and times comes out as it went in", async () => {
    const host = await Deno.makeTempDir();
    await Deno.mkdir(`${host}/tree/locked`, { recursive: true });
    await Deno.writeTextFile(`${host}/tree/locked/file`, "");
    await Deno.link(`${host}/tree/locked/file`, `${host}/tree/same`);
    await Deno.chmod(`${host}/tree/same`, 0o6711);
    await Deno.chmod(`${host}/tree/locked`, 0o555);
    for (const name of ["same", "locked", "."]) {
      await Deno.utime(`${host}/tree/${name}`, 1e9, 1e9);
    }
    await machine.copyFromHost(`${host}/tree`, "/root/bits");
    assertEquals(
      await machine.succeed(
        "cd /root/bits; stat -c '%n %a %Y %h %U' . locked/file same; " +
          "stat -c '%n %a %Y' locked",
      ),
      ". 755 1000000000 3 root\nlocked/file 6711 1000000000 2 root\n" +
        "same 6711 1000000000 2 root\nlocked 555 1000000000\n",
    );
    await Deno.remove(host, { recursive: true });
  });
});
