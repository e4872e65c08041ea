import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { TestFailure, UsageError } from "../../../mod.ts";
import { awkward } from "../../backend/awkward.ts";
import { guest } from "../../guests/mod.ts";
import { type Booted, booted } from "../booted.ts";

/** A tree on the host with what files have. */
async function fill(root: string): Promise<void> {
  await Deno.mkdir(`${root}/sub/empty`, { recursive: true });
  for (const name of awkward) {
    await Deno.writeTextFile(`${root}/sub/${name}`, `in ${name}`);
  }
  const bytes = new Uint8Array(300_000);
  for (let at = 0; at < bytes.length; at++) bytes[at] = at * 7 + (at >> 8);
  await Deno.writeFile(`${root}/bytes`, bytes);
  await Deno.writeTextFile(`${root}/none`, "");
  await Deno.writeTextFile(`${root}/script`, "#!/bin/sh\n", { mode: 0o755 });
  await Deno.symlink("sub/empty", `${root}/link`);
  // As trees of the Nix store are joined from others.
  await Deno.mkdir(`${root}-other/deep`, { recursive: true });
  await Deno.writeTextFile(`${root}-other/deep/file`, "elsewhere");
  await Deno.symlink(`${root}-other`, `${root}/joined`);
  await Deno.symlink(`${root}-other/deep/file`, `${root}/sub/joined file`);
  await Deno.symlink("/nowhere/at all", `${root}/dangling`);
}

/** What a tree holds: by path, its kind and content. */
function tree(
  path: string,
  below = "",
  look: (path: string) => Deno.FileInfo = Deno.lstatSync,
): Record<string, string> {
  const info = look(path);
  if (info.isSymlink) return { [below]: `link ${Deno.readLinkSync(path)}` };
  if (info.isFile) {
    const executable = (info.mode! & 0o111) !== 0;
    const text = new TextDecoder("latin1").decode(Deno.readFileSync(path));
    return { [below]: `file ${executable} ${text}` };
  }
  const seen: Record<string, string> = { [below]: "directory" };
  for (const { name } of Deno.readDirSync(path)) {
    Object.assign(seen, tree(`${path}/${name}`, `${below}/${name}`, look));
  }
  return seen;
}

/** The tree after links that lead somewhere were followed. */
function followed(path: string): Record<string, string> {
  return tree(path, "", (path) => {
    try {
      return Deno.statSync(path);
    } catch {
      return Deno.lstatSync(path);
    }
  });
}

/** The tests of copies that do not depend on the guest. */
function copies(
  t: Deno.TestContext,
  { machine, outDir, events }: Booted,
  host: string,
) {
  const warnings = () =>
    events.filter((event) => event.type === "message")
      .filter(({ level }) => level === "warning").map(({ text }) => text);
  const lastWarning = () => warnings().at(-1)!;
  const bash = async (script: string) => {
    const { success, stderr } = await new Deno.Command("bash", {
      args: ["-euc", script],
      cwd: host,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  };

  const steps = async (how: string) => {
    await t.step(`a file goes there and comes back, ${how}`, async () => {
      for (const name of ["bytes", "none", "script"]) {
        await machine.copyFromHost(
          `${host}/tree/${name}`,
          `/tmp/new/dir/${name}`,
        );
        await machine.copyFromMachine(`/tmp/new/dir/${name}`, "back");
        assertEquals(
          await Deno.readFile(`${outDir}/back/${name}`),
          await Deno.readFile(`${host}/tree/${name}`),
        );
      }
      assertEquals(
        await machine.succeed("stat -c %a /tmp/new/dir/script"),
        "755\n",
      );
      await machine.succeed("rm -r /tmp/new");
    });

    await t.step(
      `files of any name go there and come back, ${how}`,
      async () => {
        // Trees have all of them.
        for (const name of awkward.filter((_, index) => index % 5 === 0)) {
          const path = `/tmp/${name}/${name}`;
          await machine.copyFromHost(`${host}/tree/sub/${name}`, path);
          await machine.copyFromMachine(path);
          assertEquals(
            await Deno.readTextFile(`${outDir}/${name}`),
            `in ${name}`,
          );
        }
      },
    );

    await t.step(
      `a tree goes there and comes back, twice, ${how}`,
      async () => {
        for (const _ of [1, 2]) {
          await machine.copyFromHost(`${host}/tree`, "/tmp/copied");
          await machine.copyFromMachine("/tmp/copied", "trees");
          assertEquals(
            tree(`${outDir}/trees/copied`),
            followed(`${host}/tree`),
          );
          await machine.succeed("rm -r /tmp/copied");
        }
      },
    );

    await t.step(
      `a tree goes into a directory that is there, ${how}`,
      async () => {
        await machine.succeed("mkdir /tmp/there");
        await machine.copyFromHost(`${host}/tree/`, "/tmp/there");
        await machine.succeed(
          "[ -e /tmp/there/tree/script ]; rm -r /tmp/there",
        );
      },
    );

    await t.step(`links in a circle are refused, ${how}`, async () => {
      const circle = `${host}/circle`;
      await Deno.mkdir(`${circle}/inner`, { recursive: true });
      await Deno.symlink("..", `${circle}/inner/up`).catch(() => {});
      const error = await assertRejects(
        () => machine.copyFromHost(circle, "/tmp/circle"),
        UsageError,
      );
      assertEquals(
        error.message,
        `Expected no link to a directory around it, got ${circle}/inner/up, ` +
          `which leads back to ${circle}`,
      );
      await Deno.remove(`${circle}/inner/up`);
      await Deno.symlink("loop", `${circle}/inner/loop`);
      await assertRejects(
        () => machine.copyFromHost(circle, "/tmp/circle"),
        UsageError,
        "inner/loop, which leads in a circle",
      );
      await Deno.remove(circle, { recursive: true });
    });

    await t.step(
      `links in a tree of the guest stay links, ${how}`,
      async () => {
        await machine.succeed(
          "mkdir -p /tmp/linked; ln -sf /etc/passwd /tmp/linked/link",
        );
        await machine.copyFromMachine("/tmp/linked");
        assertEquals(
          await Deno.readLink(`${outDir}/linked/link`),
          "/etc/passwd",
        );
      },
    );

    await t.step(
      `an absolute target is not below the output directory, ${how}`,
      async () => {
        const elsewhere = `${host}/absolute ${how}`;
        await machine.copyFromMachine("/etc/passwd", elsewhere);
        assertMatch(await Deno.readTextFile(`${elsewhere}/passwd`), /^root:/);
      },
    );

    await t.step(`a link that is named is followed, ${how}`, async () => {
      await Deno.symlink("tree/script", `${host}/to-script`).catch(() => {});
      await machine.copyFromHost(`${host}/to-script`, "/tmp/script");
      assertEquals(await machine.succeed("cat /tmp/script"), "#!/bin/sh\n");
      await machine.succeed(
        "mkdir -p /tmp/real; echo real >/tmp/real/file; ln -sfn real /tmp/alias",
        "ln -sf real/file /tmp/alias-file",
      );
      await machine.copyFromMachine("/tmp/alias");
      await machine.copyFromMachine("/tmp/alias-file");
      assertEquals(await Deno.readTextFile(`${outDir}/alias/file`), "real\n");
      assertEquals(await Deno.readTextFile(`${outDir}/alias-file`), "real\n");
    });

    await t.step(
      `links of an earlier copy are replaced, not followed, ${how}`,
      async () => {
        const outside = `${host}/outside`;
        await Deno.mkdir(outside, { recursive: true });
        const made = `rm -rf /tmp/evil; mkdir -p /tmp/evil; cd /tmp/evil`;
        await machine.succeed(
          `${made}; ln -s ${outside} inner; ln -s ${outside}/new file`,
        );
        await machine.copyFromMachine("/tmp/evil");
        await machine.succeed(
          `${made}; mkdir inner; echo x >inner/new; echo x >file`,
        );
        await machine.copyFromMachine("/tmp/evil/file", "evil");
        await machine.copyFromMachine("/tmp/evil/inner", "evil");
        await machine.copyFromMachine("/tmp/evil");
        assertEquals(tree(`${outDir}/evil`), {
          "": "directory",
          "/inner": "directory",
          "/inner/new": "file false x\n",
          "/file": "file false x\n",
        });
        assertEquals([...Deno.readDirSync(outside)], []);
        await Deno.remove(`${outDir}/evil`, { recursive: true });
      },
    );

    await t.step(`a warning tells what is left out, ${how}`, async () => {
      const odd = `${host}/odd`;
      await Deno.mkdir(odd, { recursive: true });
      await new Deno.Command("mkfifo", { args: [`${odd}/pipe`] }).output();
      await machine.copyFromHost(odd, "/tmp/even");
      assertMatch(lastWarning(), /files, directories and links.*odd\/pipe$/);
      assertEquals(await machine.succeed("ls /tmp/even; rm -r /tmp/even"), "");
    });

    await t.step(
      `a file goes where cp would put it, ${how}`,
      async () => {
        const file = `${host}/tree/script`;
        await machine.succeed("mkdir /tmp/place");
        for (
          const target of ["/tmp/place", "/tmp/place/sub/", "/tmp/place/a/b"]
        ) await machine.copyFromHost(file, target);
        await machine.copyFromHostViaShell(file, "/tmp/place/shell/");
        await machine.copyFromHostViaShell(file, "/tmp/place/shell/x");
        assertEquals(
          await machine.succeed("cd /tmp/place; find . -type f | sort"),
          "./a/b\n./script\n./shell/script\n./shell/x\n./sub/script\n",
        );
        await machine.succeed("rm -r /tmp/place");
      },
    );

    await t.step(
      `modes, times and hard links go there and come back, ${how}`,
      async () => {
        await bash(`
          rm -rf full; mkdir -p full/locked full/sticky full/other; cd full
          echo x >file; chmod 640 file; ln file other/same; echo >locked/file
          echo x >bits; chmod 6755 bits
          chmod 1777 sticky; chmod 555 locked
          touch -d @1000000000 file bits sticky locked
          touch -d @1100000000 .
        `);
        await machine.copyFromHost(`${host}/full`, "/tmp/full");
        await machine.copyFromHost(`${host}/full/bits`, "/tmp/one");
        const seen = await machine.succeed(
          "cd /tmp/full; stat -c '%n %a %Y %h' file other/same bits; " +
            "stat -c '%n %a %Y' . sticky locked; stat -c '%n %a %Y' /tmp/one",
        );
        assertEquals(
          seen,
          "file 640 1000000000 2\nother/same 640 1000000000 2\n" +
            "bits 6755 1000000000 1\n. 755 1100000000\n" +
            "sticky 1777 1000000000\nlocked 555 1000000000\n" +
            "/tmp/one 6755 1000000000\n",
        );
        await machine.copyFromMachine("/tmp/full", "kept");
        assertMatch(
          lastWarning(),
          /setuid and setgid bits: \/tmp\/full\/bits$/,
        );
        await machine.copyFromMachine("/tmp/full/file", "kept");
        const facts = (name: string) => {
          const { mode, mtime, nlink } = Deno.lstatSync(
            `${outDir}/kept/${name}`,
          );
          return [(mode! & 0o7777).toString(8), mtime!.getTime() / 1e9, nlink];
        };
        assertEquals(facts("full/file"), ["640", 1000, 2]);
        assertEquals(facts("full/other/same"), ["640", 1000, 2]);
        assertEquals(facts("full/bits"), ["755", 1000, 1]);
        assertEquals(facts("file"), ["640", 1000, 1]);
        assertEquals(facts("full").slice(0, 2), ["755", 1100]);
        assertEquals(facts("full/sticky").slice(0, 2), ["1777", 1000]);
        assertEquals(facts("full/locked").slice(0, 2), ["555", 1000]);
        await machine.copyFromMachine("/tmp/one", "kept");
        assertEquals(facts("one").slice(0, 2), ["755", 1000]);
        await machine.succeed("touch -d @-1000 /tmp/one");
        await machine.copyFromMachine("/tmp/one", "kept");
        assertEquals(facts("one").slice(0, 2), ["755", 0]);
        assertMatch(lastWarning(), /setuid and setgid bits: \/tmp\/one$/);
        await machine.succeed("rm -r /tmp/full /tmp/one");
      },
    );

    await t.step(
      `pipes and devices in a tree of the guest are left out, and told, ${how}`,
      async () => {
        await machine.succeed(
          "mkdir /tmp/g; cd /tmp/g; echo 1 >file",
          "cd /tmp/g; mkfifo pipe; mknod device c 1 3; ln pipe same",
        );
        await machine.copyFromMachine("/tmp/g", "odd");
        assertEquals(tree(`${outDir}/odd/g`), {
          "": "directory",
          "/file": "file false 1\n",
        });
        assertMatch(lastWarning(), /^Only files, directories and links are/);
        for (const name of ["pipe", "device", "same"]) {
          assertStringIncludes(lastWarning(), `/tmp/g/${name}`);
        }
        for (const name of ["pipe", "device"]) {
          await assertRejects(
            () => machine.copyFromMachine(`/tmp/g/${name}`),
            UsageError,
            `to copy, got /tmp/g/${name}, which is neither`,
          );
        }
        await machine.succeed("rm -r /tmp/g");
      },
    );

    await t.step(
      `names that are not UTF-8 are left out, and told, ${how}`,
      async () => {
        await bash(
          "rm -rf names; mkdir names; cd names; " +
            "echo x >$'\\351'; echo y >good",
        );
        await machine.copyFromHost(`${host}/names`, "/tmp/names");
        assertEquals(await machine.succeed("ls /tmp/names"), "good\n");
        assertMatch(lastWarning(), /not UTF-8 are left out: .*names\/\ufffd$/);
        await machine.succeed(
          "cd /tmp/names; echo one >$'\\351'; echo two >$'\\350'",
        );
        await machine.copyFromMachine("/tmp/names", "odd");
        assertEquals(Object.keys(tree(`${outDir}/odd/names`)), ["", "/good"]);
        assertStringIncludes(lastWarning(), "/tmp/names/\\351");
        assertStringIncludes(lastWarning(), "/tmp/names/\\350");
        await machine.succeed("rm -r /tmp/names");
      },
    );

    await t.step(
      `files whose reported size is wrong are copied whole, ${how}`,
      async () => {
        const files = [
          "/proc/version",
          "/sys/kernel/mm/transparent_hugepage/enabled",
        ];
        for (const [at, file] of files.entries()) {
          const text = await Deno.readTextFile(file);
          await machine.copyFromHost(file, "/tmp/odd");
          assertEquals(await machine.succeed("cat /tmp/odd"), text);
          await machine.copyFromHostViaShell(file, "/tmp/odd");
          assertEquals(await machine.succeed("cat /tmp/odd"), text);
          const link = `${host}/proc/${at}`;
          await Deno.mkdir(`${host}/proc`, { recursive: true });
          await Deno.symlink(file, link).catch(() => {});
        }
        await machine.copyFromHost(`${host}/proc`, "/tmp/procs");
        assertEquals(
          await machine.succeed("cat /tmp/procs/0"),
          await Deno.readTextFile(files[0]),
        );
        await machine.copyFromMachine("/proc/version", "odd");
        await machine.copyFromMachine("/proc/sys/vm", "odd");
        for (
          const [there, here] of [
            ["/proc/version", "version"],
            ["/proc/sys/vm/swappiness", "vm/swappiness"],
          ]
        ) {
          assertEquals(
            await Deno.readTextFile(`${outDir}/odd/${here}`),
            await machine.succeed(`cat ${there}`),
          );
        }
        await machine.succeed("rm -r /tmp/odd /tmp/procs");
      },
    );

    await t.step(
      `no copy goes through a link that came out of the guest, ${how}`,
      async () => {
        const victim = `${host}/victim`;
        await Deno.mkdir(victim, { recursive: true });
        await machine.succeed(
          `mkdir /tmp/trap; ln -s ${victim} /tmp/trap/sub; echo x >/tmp/file`,
        );
        await machine.copyFromMachine("/tmp/trap");
        for (const target of ["trap/sub", `${outDir}/trap/sub/deep`]) {
          await assertRejects(
            () => machine.copyFromMachine("/tmp/file", target),
            UsageError,
            `got ${outDir}/trap/sub, which is a link`,
          );
        }
        for (const nameless of ["/tmp/trap/..", "/"]) {
          await assertRejects(
            () => machine.copyFromMachine(nameless),
            UsageError,
            `that ends in a name, got ${nameless}`,
          );
        }
        assertEquals([...Deno.readDirSync(victim)], []);
        await machine.succeed("rm -r /tmp/trap /tmp/file");
      },
    );

    await t.step(`a missing file fails with its name, ${how}`, async () => {
      await assertRejects(
        () => machine.copyFromHost(`${host}/missing`, "/tmp/missing"),
        Deno.errors.NotFound,
        "missing",
      );
      const { message } = await assertRejects(
        () => machine.copyFromMachine("/tmp/missing"),
        TestFailure,
      );
      assertMatch(
        message,
        /^(copying \/tmp\/missing to the host|command `cat -- \/tmp\/missing`) failed \(exit code 1\)/,
      );
      await assertRejects(
        () => machine.copyFromHost(`${host}/tree/none`, "/proc/none"),
        TestFailure,
        `copying ${host}/tree/none to /proc/none failed`,
      );
    });

    await t.step(`nothing is left in the shared directory, ${how}`, () => {
      assertEquals([...Deno.readDirSync(machine.sharedDir)], []);
    });
  };
  return { steps, lastWarning };
}

Deno.test("copying files where the guest has no ports", async (t) => {
  const { startScriptFor } = await guest("tiny");
  const host = await Deno.makeTempDir();
  const script = `${host}/run-bare-vm`;
  await Deno.writeTextFile(
    script,
    `#!/bin/bash
left=()
while [ $# -gt 0 ]; do
  if [[ $1 == -device && $2 == virtserialport,* ]]; then shift
  else left+=("$1")
  fi
  shift
done
exec ${startScriptFor("bare")} "\${left[@]}"
`,
    { mode: 0o755 },
  );
  {
    await using test = await booted({ startCommand: script });
    await fill(`${host}/tree`);
    await test.machine.connect();
    assertMatch(
      await test.machine.succeed("ls /sys/class/virtio-ports"),
      /^vport\dp0\n$/,
    );
    await copies(t, test, host).steps("without ports");
  }
  await Deno.remove(host, { recursive: true });
});

Deno.test("copying files between host and guest", async (t) => {
  await using test = await booted();
  const { machine, outDir, events } = test;
  const host = await Deno.makeTempDir();
  await fill(`${host}/tree`);
  await machine.connect();
  const { steps, lastWarning } = copies(t, test, host);

  await steps("through the shared directory");

  await t.step("a copied file is an event of the log", () => {
    const copied = events.filter((event) => event.type === "fileCopied");
    assertStringIncludes(copied[0].path, `${outDir}/back/bytes`);
    assertEquals(copied[0].machine, "tiny");
  });

  await t.step("the shared directory is the guest's /tmp/shared", async () => {
    await Deno.writeTextFile(`${machine.sharedDir}/from host`, "hello");
    assertEquals(await machine.succeed("cat '/tmp/shared/from host'"), "hello");
    await machine.succeed("rm '/tmp/shared/from host'");
  });

  await machine.succeed("umount /tmp/shared");
  await steps("without the shared directory");

  await t.step(
    "a warning tells what the guest's tree has besides",
    async () => {
      await machine.succeed("mkdir /tmp/rest; mkfifo /tmp/rest/pipe");
      await machine.copyFromMachine("/tmp/rest");
      assertMatch(lastWarning(), /files, directories and links.*pipe$/);
      assertEquals(tree(`${outDir}/rest`), { "": "directory" });
    },
  );

  await t.step("copyFromHostViaShell() takes a file of megabytes", async () => {
    await Deno.writeFile(`${host}/big`, new Uint8Array(3 << 20).fill(0x61));
    await machine.copyFromHostViaShell(`${host}/big`, "/tmp/into/big");
    assertMatch(
      await machine.succeed("wc -c </tmp/into/big; tr -d a </tmp/into/big"),
      /^3145728\n$/,
    );
  });

  await t.step(
    "copyFromHostViaShell() refuses a directory, and loses nothing by it",
    async () => {
      for (let times = 0; times < 5; times++) {
        await assertRejects(
          () => machine.copyFromHostViaShell(`${host}/tree`, "/tmp/no-tree"),
          UsageError,
          `${host}/tree, which is not a file`,
        );
      }
      await machine.fail("pidof head", "[ -e /tmp/no-tree ]");
    },
  );

  await t.step(
    "a file that becomes unreadable fails the copy, and ends the receiving command",
    async () => {
      // Not even root may read it.
      const unreadable = "/sys/bus/cpu/drivers_probe";
      for (let times = 0; times < 5; times++) {
        await assertRejects(
          () => machine.copyFromHostViaShell(unreadable, "/tmp/unreadable"),
          Deno.errors.PermissionDenied,
        );
      }
      await machine.waitUntilFails("pidof head", { timeout: 300 });
      assertEquals(await machine.succeed("echo fine"), "fine\n");
    },
  );

  await t.step("the run's own files are not replaced", async () => {
    await machine.succeed("echo from the guest >/tmp/tiny.log");
    using report = test.driver.log.addListener({
      on: () => {},
      path: `${outDir}/report.html`,
    });
    assert(report);
    await Deno.writeTextFile(`${outDir}/report.html`, "the report");
    await machine.succeed("cp /tmp/tiny.log /tmp/report.html");
    for (const name of ["tiny.log", "report.html"]) {
      for (const targetDir of ["", outDir, "sub/.."]) {
        await Deno.mkdir(`${outDir}/sub`, { recursive: true });
        await assertRejects(
          () => machine.copyFromMachine(`/tmp/${name}`, targetDir),
          UsageError,
          "not the run's own log or report, got",
        );
      }
      await assertRejects(() => machine.screenshot(name), UsageError);
    }
    assertEquals(
      await Deno.readTextFile(`${outDir}/report.html`),
      "the report",
    );
    assertMatch(await Deno.readTextFile(`${outDir}/tiny.log`), /Linux/);
    await machine.copyFromMachine("/tmp/tiny.log", "sub");
  });

  await t.step("copyFromVm() is copyFromMachine()", async () => {
    await machine.copyFromVm("/etc/passwd", "vm");
    assertMatch(await Deno.readTextFile(`${outDir}/vm/passwd`), /^root:/);
  });

  await t.step(
    "a command that does not read all that it is sent fails, and no other",
    async () => {
      await assertRejects(
        () => machine.copyFromHostViaShell(`${host}/big`, "/proc/no/big"),
        TestFailure,
      );
      assertEquals(await machine.succeed("echo fine"), "fine\n");
    },
  );

  await Deno.remove(host, { recursive: true });
});
