import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  ContainerMachine,
  type Machine,
  QemuMachine,
} from "../../src/machine/mod.ts";
import { Driver } from "../../src/driver/mod.ts";
import {
  offerSnakeCase,
  snakeCase,
  type SnakeCased,
} from "../../src/machine/snake_case.ts";

Deno.test("snakeCase() puts an underscore before each capital", () => {
  assertEquals(snakeCase("waitForUnit"), "wait_for_unit");
  assertEquals(snakeCase("succeed"), "succeed");
  assertEquals(snakeCase("waitForX"), "wait_for_x");
  assertEquals(snakeCase("copyFromHostViaShell"), "copy_from_host_via_shell");
});

Deno.test("the type SnakeCased does the same", () => {
  const names: [
    SnakeCased<"waitForUnit">,
    SnakeCased<"succeed">,
    SnakeCased<"waitForX">,
  ] = ["wait_for_unit", "succeed", "wait_for_x"];
  assertEquals(names.length, 3);
});

Deno.test("offerSnakeCase() offers methods and getters under both names", () => {
  class Thing {
    #secret = 5;
    get theAnswer() {
      return this.#secret;
    }
    addTo(number: number) {
      return this.#secret + number;
    }
    plain() {}
  }
  offerSnakeCase(Thing.prototype);
  const thing = new Thing() as Thing & {
    the_answer: number;
    add_to(number: number): number;
  };
  assertEquals(thing.the_answer, 5);
  assertEquals(thing.add_to(2), 7);
  assertEquals(Object.keys(thing), []);
});

Deno.test("offerSnakeCase() lets only settable properties be set", () => {
  class Thing {
    #dir = "/a";
    get stateDir() {
      return this.#dir;
    }
    set stateDir(dir: string) {
      this.#dir = dir;
    }
    get outDir() {
      return "/out";
    }
  }
  offerSnakeCase(Thing.prototype);
  const thing = new Thing() as Thing & { state_dir: string; out_dir: string };
  thing.state_dir = "/b";
  assertEquals(thing.stateDir, "/b");
  assertThrows(() => thing.out_dir = "/c", TypeError);
});

Deno.test("a method that a subclass overrides is overridden under both names", () => {
  class Thing {
    getName() {
      return "thing";
    }
  }
  offerSnakeCase(Thing.prototype);
  class Other extends Thing {
    override getName() {
      return "other";
    }
  }
  assertEquals(
    (new Other() as unknown as { get_name(): string }).get_name(),
    "other",
  );
});

/** The names of NixOS's driver; see nixpkgs' manual. */
const machineNames = [
  ..."start shutdown crash reboot release wait_for_shutdown is_up connect"
    .split(" "),
  ..."switch_root execute succeed fail wait_until_succeeds wait_until_fails"
    .split(" "),
  ..."sleep systemctl wait_for_unit get_unit_info get_unit_property".split(" "),
  ..."require_unit_state start_job stop_job wait_for_file wait_for_open_port"
    .split(" "),
  ..."wait_for_closed_port wait_for_open_unix_socket wait_for_console_text"
    .split(" "),
  ..."get_console_log send_console get_tty_text wait_until_tty_matches"
    .split(" "),
  ..."dump_tty_contents send_key send_chars screenshot get_screen_text".split(
    " ",
  ),
  ..."get_screen_text_variants wait_for_text wait_for_x get_window_names"
    .split(" "),
  ..."wait_for_window copy_from_host copy_from_machine copy_from_vm".split(" "),
  ..."copy_from_host_via_shell forward_port block unblock".split(" "),
  ..."send_monitor_command wait_for_qmp_event qmp_client".split(" "),
  ..."shell_interact console_interact ssh_backdoor_command".split(" "),
  ..."name booted connected pid state_dir shared_dir out_dir".split(" "),
];

Deno.test("a machine has every name that NixOS's has", () => {
  for (const { prototype } of [QemuMachine, ContainerMachine]) {
    assertEquals(machineNames.filter((name) => !(name in prototype)), []);
  }
});

Deno.test("a driver has every name that NixOS's binds in scripts", () => {
  const names =
    "start_all join_all create_machine subtest retry serial_stdout_off serial_stdout_on polling_condition test_script run_tests"
      .split(" ");
  assertEquals(names.filter((name) => !(name in Driver.prototype)), []);
});

Deno.test("a machine's names in snake_case have the types of the others", () => {
  // Never called: it is the compiler that checks it.
  const uses = async (machine: Machine) => {
    const text: string = await machine.succeed("a", "b", { timeout: 1 });
    const again: string = await machine.wait_until_succeeds(text, {
      timeout: 1,
    });
    await machine.wait_for_unit(again, { user: "alice", timeout: 1 });
    await machine.wait_for_open_port(80, { addr: "localhost", timeout: 1 });
    const [status, out]: [number, string] = await machine.execute("a");
    const directory: string = machine.state_dir;
    const booted: boolean = machine.booted;
    await machine.copy_from_machine(out, directory);
    // @ts-expect-error a typo
    await machine.wait_for_unti("nginx");
    // @ts-expect-error a string is no port
    await machine.wait_for_open_port("80");
    // @ts-expect-error there is no such option
    await machine.wait_for_file("a", { timeot: 5 });
    // @ts-expect-error facts are not for writing
    machine.out_dir = "";
    return [status, booted];
  };
  assertStrictEquals(typeof uses, "function");
});
