/** How waits for systemd units end, and what they say. */
import { assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { TestFailure } from "../../../mod.ts";
import { booted } from "../booted.ts";

/** Unit files, and the contents of their section Service. */
const services: Record<string, string[]> = {
  slow: ["Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/sleep 15"],
  pending: ["Type=oneshot", "ExecStart=/bin/sleep 3000"],
  well: ["Type=oneshot", "ExecStart=/bin/true"],
  breaks: ["ExecStart=/bin/sh -c 'echo no luck today >&2; exit 3'"],
  killed: ["ExecStart=/bin/sh -c 'kill -9 $$$$'"],
  bad: ["RemainAfterExit=no"],
  later: ["Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/sleep 8"],
};

Deno.test("waits for units", async (t) => {
  await using test = await booted({ guest: "debian" });
  const { machine } = test;
  for (const [name, lines] of Object.entries(services)) {
    const text = ["[Service]", ...lines, ""].join("\n");
    await machine.succeed(
      `cat >/run/systemd/system/${name}.service <<'END'\n${text}END`,
    );
  }
  await machine.succeed(
    "printf '[Unit]\\nConditionPathExists=/nowhere\\n[Service]\\n" +
      "ExecStart=/bin/sleep 3000\\n' >/run/systemd/system/unmet.service; " +
      "ln -s /dev/null /run/systemd/system/gone.service; " +
      // What no unit needs, systemd forgets as soon as it is over.
      "mkdir -p /run/systemd/system/multi-user.target.wants; " +
      "ln -s ../unmet.service ../well.service " +
      "/run/systemd/system/multi-user.target.wants; " +
      "systemctl daemon-reload; " +
      // From here on, a job is always pending.
      "systemctl start --no-block pending",
  );
  const failure = async (unit: string) =>
    (await assertRejects(
      () => machine.waitForUnit(unit, { timeout: 600 }),
      TestFailure,
    )).message;

  await t.step("an unknown unit is not found", async () => {
    assertMatch(
      await failure("no-such-unit"),
      /^unit "no-such-unit" is not found$/,
    );
    assertMatch(
      await failure("ngnix"),
      /^unit "ngnix" is not found; did you mean nginx\.service\?$/,
    );
  });

  await t.step("a name that no unit can have is refused at once", async () => {
    for (const unit of ["", "getty@"]) {
      assertMatch(await failure(unit), /^retrieving .* failed .*; it said:\nF/);
    }
    await assertRejects(
      () => machine.waitForUnit("x", { user: "nobody-at-all", timeout: 600 }),
      TestFailure,
      "su: user nobody-at-all does not exist",
    );
  });

  await t.step("a name may begin with a dash", async () => {
    await machine.waitForUnit("-.mount", { timeout: 600 });
    await machine.requireUnitState("-.mount");
  });

  await t.step("a wait of 0 seconds looks once", async () => {
    await machine.waitForUnit("-.mount", { timeout: 0 });
  });

  await t.step("the message tells that a unit can't be started", async () => {
    assertMatch(await failure("gone"), /^unit "gone" is masked$/);
    assertMatch(
      await failure("bad"),
      /^unit "bad" can't be loaded \(bad-setting\): ./,
    );
    await machine.systemctl("start unmet");
    const unmet = await failure("unmet");
    assertMatch(
      unmet,
      /^unit "unmet" was not started: a condition or assertion of its own was not met; its last status:\n/,
    );
    assertStringIncludes(unmet, "ConditionPathExists=/nowhere");
  });

  await t.step("a oneshot that is over ran and ended well", async () => {
    await machine.succeed("systemctl start well");
    assertMatch(
      await failure("well"),
      /^unit "well" is inactive: it ran and ended well; only RemainAfterExit=yes keeps a oneshot active$/,
    );
  });

  await t.step("a unit that failed shows how, and its journal", async () => {
    await machine.systemctl("start breaks");
    const breaks = await failure("breaks");
    assertMatch(
      breaks,
      /^unit "breaks" reached state "failed" \(exit code 3, result "exit-code"\); its last status:\n/,
    );
    assertStringIncludes(breaks, "no luck today");
    await machine.systemctl("start killed");
    assertMatch(
      await failure("killed"),
      /^unit "killed" reached state "failed" \(killed by signal 9, result "signal"\);/,
    );
  });

  await t.step(
    "a wait goes on while the manager is executed again",
    async () => {
      await machine.succeed("systemctl start --no-block slow");
      const waiting = machine.waitForUnit("slow", { timeout: 600 });
      await machine.succeed("systemctl daemon-reexec; systemctl daemon-reload");
      await waiting;
    },
  );

  await t.step(
    "a wait goes on while a user has no manager yet",
    async () => {
      const waiting = machine.waitForUnit("default.target", {
        user: "alice",
        timeout: 600,
      });
      await machine.succeed("sleep 2; loginctl enable-linger alice");
      await waiting;
    },
  );

  await t.step(
    "a wait goes on over a user's manager that is restarted",
    async () => {
      await machine.succeed(
        "mkdir -p /run/systemd/user/default.target.wants; " +
          "printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\n" +
          "ExecStart=/bin/sleep 3\\n' >/run/systemd/user/own.service; " +
          "ln -s ../own.service /run/systemd/user/default.target.wants",
      );
      const restart = () =>
        machine.succeed('systemctl restart "user@$(id -u alice)"');
      await restart();
      const waiting = machine.waitForUnit("own", {
        user: "alice",
        timeout: 600,
      });
      await restart();
      await waiting;
    },
  );

  await t.step("a wait goes on over a bus that is restarted", async () => {
    await machine.succeed("systemctl start --no-block later");
    const waiting = ["alice", undefined].map((user) =>
      machine.waitForUnit(user === undefined ? "later" : "own", {
        user,
        timeout: 600,
      })
    );
    await machine.succeed("systemctl restart dbus");
    await Promise.all(waiting);
  });
});

Deno.test("a wait for a unit of a guest without systemd fails at once", async () => {
  await using test = await booted();
  await assertRejects(
    () => test.machine.waitForUnit("nginx", { timeout: 600 }),
    TestFailure,
    'retrieving systemctl property for unit "nginx" failed with exit code 127',
  );
});
