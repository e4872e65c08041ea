/**
 * What authors complain about in the Python driver, and that it can't happen
 * here, as far as it takes systemd; all else is in complaints_vm_test.ts.
 */
import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { booted } from "./booted.ts";
import { shortestDelay } from "./waits/delay.ts";

Deno.test("complaints about machines with systemd", async (t) => {
  await using test = await booted({ guest: "debian" });
  const { machine } = test;
  await machine.waitForUnit("multi-user.target", { timeout: 600 });

  await t.step(
    "waitForUnit() answers when the unit is active, and not a second later",
    async () => {
      const delay = await shortestDelay(machine, 0.8, (n) => ({
        // The wait begins while the unit is still starting.
        before:
          `rm -f /run/go; systemd-run --no-block --unit=unit-${n} -p Type=oneshot ` +
          `-p RemainAfterExit=yes sh -c 'until [ -e /run/go ]; do sleep 0.01; done'`,
        wait: () => machine.waitForUnit(`unit-${n}`, { timeout: 300 }),
        happen:
          `: >/run/go; until systemctl is-active -q unit-${n}; do :; done`,
      }));
      assertLess(delay, 0.8);
    },
  );

  await t.step(
    "what a service writes to the shell's channel is no part of any answer",
    async () => {
      await machine.succeed(
        "systemd-run --unit=noise -p StandardOutput=tty -p TTYPath=/dev/hvc0 " +
          'bash -c \'while :; do echo "[sudo] password for alice: "; ' +
          "read -t 0.01 _ <> <(:) || :; done'",
      );
      await machine.waitForUnit("noise");
      for (let n = 0; n < 10; n++) {
        assertEquals(
          await Promise.all([
            machine.execute(`echo ${n}; exit ${n}`),
            machine.execute(`echo ${n}; exit 0`),
          ]),
          [[n, `${n}\n`], [0, `${n}\n`]],
        );
      }
      await machine.succeed("systemctl stop noise");
    },
  );

  await t.step(
    "a command is done while a daemon of it still holds stdout",
    async () => {
      assertEquals(
        await machine.succeed("setsid sleep 1000 & echo mine"),
        "mine\n",
      );
      await machine.succeed("pkill -f 'sleep 1000'");
    },
  );

  await t.step(
    "what a service writes to /dev/console is in the log",
    async () => {
      await machine.succeed(
        "systemd-run -p StandardOutput=journal+console echo said by a service",
      );
      await machine.waitForConsoleText("said by a service", { timeout: 120 });
      await machine.succeed("echo said by hand >/dev/console");
      await machine.waitForConsoleText("said by hand", { timeout: 120 });
      assertMatch(machine.getConsoleLog(), /^said by hand$/m);
    },
  );

  await t.step(
    "getTtyText() reads any characters, whatever the console's code page",
    async () => {
      await machine.succeed("printf '\\033c\\033%%Gäöüß ┌─┐│█ é' >/dev/tty5");
      await machine.waitUntilTtyMatches("5", "äöüß ┌─┐│█ é", { timeout: 120 });
    },
  );
});
