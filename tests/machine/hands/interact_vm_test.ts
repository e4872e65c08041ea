import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { toText } from "@std/streams";
import { UsageError } from "../../../mod.ts";
import { booted } from "../booted.ts";

/** All that comes from a stream until it ends. */
async function rest(connection: Deno.Conn): Promise<string> {
  return await toText(connection.readable);
}

Deno.test("a shell of a guest at a socket", async (t) => {
  await using test = await booted();
  const { driver, machine, outDir } = test;
  const path = `${outDir}/shell`;

  /** A connection with a new shell, and the end of that. */
  async function connect(at = path) {
    const { promise: waits, resolve } = Promise.withResolvers<void>();
    driver.log.addListener({
      on: (event) => {
        if (event.type === "message" && event.text.endsWith(`unix:${at}`)) {
          resolve();
        }
      },
    });
    const interacting = machine.shellInteract(`unix-listen:${at}`);
    await Promise.race([waits, interacting]);
    const connection = await Deno.connect({ transport: "unix", path: at });
    return { connection, interacting };
  }

  await t.step("is a terminal, and ends with the shell", async () => {
    const { connection, interacting } = await connect();
    await connection.write(
      new TextEncoder().encode("tty; stty size; echo $((6 * 7)) $-; exit\r"),
    );
    const text = await rest(connection);
    assertMatch(text, /\r\n\/dev\/hvc\d+\r\n24 80\r\n42 \w*i\w*\r\n/);
    await interacting;
  });

  await t.step("ends when the other end leaves", async () => {
    const { connection, interacting } = await connect();
    await connection.write(new TextEncoder().encode("sleep 12345\r"));
    await machine.waitUntilSucceeds("ps | grep '[s]leep 12345'", {
      timeout: 60,
    });
    connection.close();
    await interacting;
    await machine.waitUntilFails("ps | grep '[s]leep 12345'", { timeout: 60 });
  });

  await t.step("leaves no console behind", async () => {
    const consoles = await machine.succeed(
      "for c in /dev/hvc*; do { : <>$c; } 2>/dev/null && echo $c; done; :",
    );
    assertEquals(consoles, "/dev/hvc0\n");
  });

  await t.step("several at once are apart", async () => {
    const both = await Promise.all([
      connect(`${path}-a`),
      connect(`${path}-b`),
    ]);
    // Neither shell ends before both are there.
    const ttys = await Promise.all(both.map(async ({ connection }, index) => {
      const other = 1 - index;
      await connection.write(
        new TextEncoder().encode(
          `tty; touch /tmp/${index}; until [ -e /tmp/${other} ]; do sleep 0.1; done; exit\r`,
        ),
      );
      return /\/dev\/hvc\d/.exec(await rest(connection))?.[0];
    }));
    await Promise.all(both.map(({ interacting }) => interacting));
    assertEquals(new Set(ttys), new Set(["/dev/hvc1", "/dev/hvc2"]));
  });

  await t.step("needs a terminal where no address is given", async () => {
    await assertRejects(
      () => machine.shellInteract(),
      UsageError,
      "shellInteract() expects a terminal",
    );
    await assertRejects(
      () => machine.consoleInteract(),
      UsageError,
      "consoleInteract() expects a terminal",
    );
  });
});
