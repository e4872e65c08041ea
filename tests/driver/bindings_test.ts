import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  Driver,
  type DriverOptions,
  identifier,
} from "../../src/driver/mod.ts";
import { UsageError } from "../../src/errors.ts";
import { Log } from "../../src/report/mod.ts";

/** A driver whose machines are never started. */
async function driverOf(
  options: DriverOptions,
): Promise<{ driver: Driver } & AsyncDisposable> {
  const outDir = await Deno.makeTempDir();
  try {
    const driver = await Driver.create({ outDir, log: new Log(), ...options });
    return {
      driver,
      async [Symbol.asyncDispose]() {
        await driver[Symbol.asyncDispose]();
        await Deno.remove(outDir, { recursive: true });
      },
    };
  } catch (error) {
    await Deno.remove(outDir, { recursive: true });
    throw error;
  }
}

Deno.test("an identifier has _ for what it may not hold", () => {
  assertEquals(identifier("web"), "web");
  assertEquals(identifier("web-server.1"), "web_server_1");
  assertEquals(identifier("1st"), "_st");
  assertEquals(identifier("a b/c"), "a_b_c");
});

Deno.test("no machine is started once the driver has ended", async () => {
  await using test = await driverOf({ machines: ["/x/run-web-vm"] });
  const [web] = test.driver.machines;
  await test.driver[Symbol.asyncDispose]();
  await assertRejects(() => web.start(), Error, "The driver has ended");
  await assertRejects(() => Deno.stat(web.stateDir), Deno.errors.NotFound);
});

Deno.test("code whose time is over starts no machine", async () => {
  await using test = await driverOf({ machines: ["/x/run-web-vm"] });
  const [web] = test.driver.machines;
  const end = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const late = test.driver.within(end.signal, async () => {
    await promise;
    await web.start();
  });
  end.abort(new Error("over"));
  resolve();
  await assertRejects(() => late, Error, "over");
});

Deno.test("a script sees all names of NixOS's scripts, also in camelCase", async () => {
  await using test = await driverOf({ machines: ["/x/run-web-server-vm"] });
  const names = test.driver.bindings();
  for (
    const name of [
      ..."start_all join_all test_script run_tests machines vlans driver log"
        .split(" "),
      ..."create_machine subtest retry serial_stdout_off serial_stdout_on"
        .split(" "),
      ..."polling_condition debug machines_qemu machines_nspawn".split(" "),
      ..."startAll joinAll createMachine serialStdoutOn pollingCondition"
        .split(" "),
      ..."web_server machine".split(" "),
    ]
  ) {
    assert(name in names, name);
    assert(names[name] !== undefined, name);
  }
  assertStrictEquals(names.machine, test.driver.machines[0]);
  assertStrictEquals(names.web_server, names.machine);
  assertStrictEquals(names.start_all, names.startAll);
});

Deno.test("several machines are bound by name, and none as machine", async () => {
  await using test = await driverOf({
    machines: [{ name: "b", startCommand: "x" }, "/x/run-a-vm"],
  });
  const names = test.driver.bindings();
  assertEquals(test.driver.machines.map(({ name }) => name), ["a", "b"]);
  assertEquals("machine" in names, false);
  assertStrictEquals(names.a, test.driver.machines[0]);
});

Deno.test("there is one warning about a machine that takes a name from something else", async () => {
  const warnings: string[] = [];
  await using test = await driverOf({
    machines: ["/x/run-log-vm", "/x/run-start-all-vm", "/x/run-web-vm"],
    log: new Log([{
      on: (event) => {
        if (event.type === "message" && event.level === "warning") {
          warnings.push(event.text);
        }
      },
    }]),
  });
  const names = test.driver.bindings();
  test.driver.bindings();
  assertStrictEquals(names.log, test.driver.machines[0]);
  assertEquals(warnings, [
    "in the script, log is the machine, and hides the driver's log",
    "in the script, start_all is the machine, and hides the driver's start_all",
  ]);
});

Deno.test("a command line's machine is called machine", async () => {
  await using test = await driverOf({ machines: ["qemu-system-x86_64 -m 1"] });
  assertEquals(test.driver.machines[0].name, "machine");
});

Deno.test("two machines of one name are refused", async () => {
  await assertRejects(
    () => driverOf({ machines: ["/x/run-a-vm", "/y/run-a-vm"] }),
    UsageError,
    'Expected machines with names of their own, got two named "a"',
  );
});

Deno.test("a virtual machine and a container of one name are refused", async () => {
  const message =
    'Expected machines with names of their own, got two named "a"';
  await assertRejects(
    () => driverOf({ machines: ["/x/run-a-vm", "/x/run-a-nspawn"] }),
    UsageError,
    message,
  );
  await using test = await driverOf({ machines: ["/x/run-a-vm"] });
  assertThrows(
    () => test.driver.createMachine("/x/run-a-nspawn"),
    UsageError,
    message,
  );
});

Deno.test("machines whose files or identifiers would have one name are refused", async () => {
  const named = (...names: string[]) => ({
    machines: names.map((name) => ({ name, startCommand: "x" })),
  });
  await assertRejects(
    () => driverOf(named("a/b", "a_b")),
    UsageError,
    'Expected machines with files of their own, got "a/b" and "a_b", ' +
      "whose files are both named a_b",
  );
  await assertRejects(
    () => driverOf(named("web-1", "web_1")),
    UsageError,
    'Expected machines that scripts can tell apart, got "web-1" and "web_1", ' +
      "which are both web_1 there",
  );
});

Deno.test("a machine's name may be as long as its files' names can be", async () => {
  const longest = "x".repeat(255 - "-failed.png".length);
  const of = (name: string) => [{ name, startCommand: "x" }];
  await using test = await driverOf({ machines: of(longest) });
  const message =
    "Expected machine names of up to 244 bytes, because files have these names, " +
    'got "xxxxxxxxxxxxxxxxxxxx…", which has 245';
  assertThrows(
    () => test.driver.createMachine("x", { name: `${longest}x` }),
    UsageError,
    message,
  );
  await assertRejects(
    () => driverOf({ machines: of(`${longest}x`) }),
    UsageError,
    message,
  );
});

Deno.test("a machine that a script makes may be made again once it does not run", async () => {
  await using test = await driverOf(
    { machines: [{ name: "a", startCommand: "x" }] },
  );
  const { driver } = test;
  const first = driver.createMachine("x", { name: "extra" });
  const second = driver.createMachine("x", { name: "extra" });
  assertEquals(first === second, false);
  assertEquals(second.stateDir, first.stateDir);
  assertThrows(
    () => driver.createMachine("x", { name: "a" }),
    UsageError,
    'got two named "a"',
  );
});

Deno.test("a wrong VLAN number is refused", async () => {
  for (const nr of [-1, 1.5, NaN]) {
    await assertRejects(
      () => driverOf({ vlans: [nr] }),
      UsageError,
      `Expected VLAN numbers of 0 and more, got ${nr}`,
    );
  }
});

Deno.test("a machine without a command is refused", async () => {
  await assertRejects(
    () => driverOf({ machines: [""] }),
    UsageError,
    "Expected a start script or a command, got none",
  );
});

Deno.test("a driver without machines has its directories and its end", async () => {
  await using test = await driverOf({});
  await test.driver.startAll();
  await test.driver.joinAll();
  await assertRejects(
    () => test.driver.testScript(),
    UsageError,
    "Expected a driver with a testScript, got one without",
  );
  assertEquals(test.driver.signal.aborted, false);
  await test.driver[Symbol.asyncDispose]();
  assertEquals(test.driver.signal.aborted, true);
});
