/**
 * Pictures of a guest whose hypervisor gives it no screen. What shows something
 * in it, and what takes pictures of that, are made up; the rest is not.
 */
import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  type BaseMachine,
  Driver,
  Log,
  MachineError,
  type RunEvent,
  TestFailure,
} from "../../../mod.ts";
import { coreOf } from "../../../src/machine/mod.ts";
import { gather } from "../../../src/machine/evidence.ts";
import { decodePng } from "../../../src/machine/hands/picture.ts";
import { trials } from "../backends.ts";
import { linesRead, screens } from "../screens/measure.ts";

const [{ path: screen, lines }] = screens;
const word = /[A-Za-z]{5,}/.exec(lines.join(" "))![0];

/** Puts a program into the guest. */
async function program(
  machine: BaseMachine,
  name: string,
  text: string,
): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, `#!/bin/bash\n${text}\n`);
    await machine.copyFromHostViaShell(path, `/usr/bin/${name}`);
    await machine.succeed(`chmod +x /usr/bin/${name}`);
  } finally {
    await Deno.remove(path);
  }
}

/** Has busybox's syslogd make a socket, as there is nothing else that can. */
async function socket(machine: BaseMachine, path: string): Promise<void> {
  await machine.succeed(
    `mkdir -p ${path.replace(/\/[^/]*$/, "")}; ln -sfn ${path} /dev/log; ` +
      "syslogd",
  );
  await machine.waitUntilSucceeds(`test -S ${path}`, { timeout: 60 });
}

const trial = trials.find(({ backend }) => backend === "firecracker")!;

Deno.test(`the screen of a guest of ${trial.by}`, async (t) => {
  const directory = await Deno.makeTempDir();
  const outDir = `${directory}/out`;
  const events: RunEvent[] = [];
  const log = new Log([{ on: (event) => void events.push({ ...event }) }]);
  try {
    await using driver = await Driver.create({
      machines: [await trial.startCommand("web", directory)],
      outDir,
      log,
    });
    const [machine]: BaseMachine[] = driver.machines;
    const fails = async (sentence: string | RegExp) => {
      const error = await assertRejects(
        () => machine.screenshot("none"),
        MachineError,
      );
      if (typeof sentence === "string") assertEquals(error.message, sentence);
      else assertMatch(error.message, sentence);
    };
    const evidence = async () => {
      const files: string[] = [];
      await gather(coreOf(machine), {
        onEvidence: ({ kind, path }) => {
          if (kind === "screen") files.push(path);
        },
        onTrouble() {},
      });
      return files;
    };
    await machine.copyFromHostViaShell(screen, "/screen.png");

    await t.step("is missing if the guest has no display", async () => {
      const sentence =
        "Firecracker gives web no screen, and its guest shows none: it has no " +
        "Wayland or X display, and no framebuffer";
      await fails(sentence);
      const error = await assertRejects(
        () => machine.waitForText("anything", { timeout: 0.1 }),
        TestFailure,
      );
      assertEquals(
        error.message,
        `/anything/ did not appear on the screen in 0.1 seconds; ${sentence}`,
      );
      assertEquals(await evidence(), []);
    });

    await t.step("says which program is missing", async () => {
      await machine.succeed("mknod /dev/fb0 c 1 3");
      await fails(
        "Firecracker gives web no screen, and its guest lacks fbcat, which " +
          "takes pictures of its framebuffer (Debian: apt-get install fbcat; " +
          "NixOS: pkgs.fbcat)",
      );
    });

    await t.step("is the framebuffer's, by fbcat or fbgrab", async () => {
      const points = "\\1\\2\\3\\4\\5\\6";
      await program(
        machine,
        "fbgrab",
        `echo warning >&2; printf 'P6\\n1 2\\n255\\n${points}' >"$1"`,
      );
      await machine.screenshot("small");
      assertEquals(
        await decodePng(await Deno.readFile(`${outDir}/small.png`)),
        { width: 1, height: 2, rgb: new Uint8Array([1, 2, 3, 4, 5, 6]) },
      );
      const shots = events.flatMap((event) =>
        event.type === "screenshot" ? [[event.machine, event.path]] : []
      );
      assertEquals(shots, [["web", `${outDir}/small.png`]]);
      await program(machine, "fbcat", "cat /screen.png");
      await machine.screenshot("large");
      assertEquals(
        await decodePng(await Deno.readFile(`${outDir}/large.png`)),
        await decodePng(await Deno.readFile(screen)),
      );
      await machine.succeed("rm /dev/fb0");
    });

    await t.step("is waited for until something shows it", async () => {
      const shown = machine.waitForText(new RegExp(word), { timeout: 300 });
      await machine.succeed("true");
      await program(
        machine,
        "grim",
        "[[ $* == - && $WAYLAND_DISPLAY == $XDG_RUNTIME_DIR/wayland-1 ]] &&\n" +
          "cat /screen.png",
      );
      await socket(machine, "/run/user/7/wayland-1");
      await shown;
      const text = await machine.getScreenTextVariants();
      assertEquals(linesRead(lines, text) > lines.length / 2, true);
      assertStringIncludes((await machine.getScreenText()).trim(), word);
    });

    await t.step("is kept where the run fails", async () => {
      const [path, ...others] = await evidence();
      assertEquals(others, []);
      assertEquals(
        await decodePng(await Deno.readFile(path)),
        await decodePng(await Deno.readFile(screen)),
      );
    });

    await t.step("is no more than a picture of points", async () => {
      await program(machine, "grim", "echo no picture");
      await fails(/^the guest of web gave no picture of its screen: Expected/);
      await program(machine, "grim", "head -c 1000 /screen.png");
      await fails(/^the guest of web gave no picture of its screen: /);
      await program(machine, "grim", "head -c 70000000 /dev/zero");
      await fails("the guest of web gave a picture of more than 64 MiB");
      await program(
        machine,
        "grim",
        "printf '\\e[31mno\\n\\e[2Jway' >&2; exit 3",
      );
      await fails(
        "Firecracker gives web no screen, and the program in its guest failed: " +
          "grim: no way",
      );
    });

    await t.step("is X's if Wayland's can't be captured", async () => {
      await socket(machine, "/tmp/.X11-unix/X7");
      await machine.execute(
        "exec -a /usr/bin/Xvfb bash -c 'sleep 10000; :' :7 -auth '/the auth'",
        { checkOutput: false },
      );
      await machine.waitUntilSucceeds("grep -l Xvfb /proc/[0-9]*/cmdline", {
        timeout: 60,
      });
      const isRight = '[[ $DISPLAY == :7 && $XAUTHORITY == "/the auth" ]]';
      await fails(/and the program in its guest failed: grim: no way$/);
      await program(
        machine,
        "import",
        `${isRight} && [[ $* == "-window root png24:-" ]] && cat /screen.png`,
      );
      await machine.screenshot("x");
      assertEquals(
        await decodePng(await Deno.readFile(`${outDir}/x.png`)),
        await decodePng(await Deno.readFile(screen)),
      );
      await machine.succeed("rm /usr/bin/import");
      await program(
        machine,
        "xwd",
        `${isRight} && [[ $* == "-root -silent" ]] && echo no xwd`,
      );
      await fails(/gave no picture of its screen: Expected a picture of xwd/);
    });
  } finally {
    await log.close();
    await Deno.remove(directory, { recursive: true });
  }
});
