import { assertEquals, assertRejects } from "@std/assert";
import { NotifySocket } from "../../src/backend/nspawn/notify_socket.ts";
import { Supervisor } from "../../src/backend/supervisor.ts";
import { MachineError } from "../../src/errors.ts";
import { awkward } from "./awkward.ts";

const missing = ["systemd-socket-activate", "systemd-notify"].find((program) =>
  !new Deno.Command("/bin/sh", { args: ["-c", `command -v ${program}`] })
    .outputSync().success
);
const ignore = missing !== undefined;
if (ignore) console.log(`NotifySocket: skipped, there is no ${missing}`);

/** Tells a service manager at `path` something, as a service does. */
async function notify(path: string, ...assignments: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("systemd-notify", {
    args: ["--no-block", ...assignments],
    env: { NOTIFY_SOCKET: path },
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(success, true);
}

/** The received messages, in their order. */
function hearing() {
  const heard: string[] = [];
  let told = Promise.withResolvers<void>();
  return {
    hear(name: string, value: string): void {
      heard.push(`${name}=${value}`);
      told.resolve();
      told = Promise.withResolvers();
    },
    async next(): Promise<string> {
      while (heard.length === 0) await told.promise;
      return heard.shift()!;
    },
  };
}

Deno.test(
  "the socket passes on each assignment of each message",
  { ignore },
  async () => {
    await using supervisor = new Supervisor();
    const place = await Deno.makeTempDir();
    const { hear, next } = hearing();
    const socket = await NotifySocket.open(`${place}/s`, supervisor, hear);
    await notify(socket.path, "X_NSPAWN_LEADER_PID=123");
    assertEquals(await next(), "X_NSPAWN_LEADER_PID=123");
    await notify(socket.path, "--ready", "--status=up = running");
    assertEquals([await next(), await next()].sort(), [
      "READY=1",
      "STATUS=up = running",
    ]);
    await socket.close();
    assertEquals([...Deno.readDirSync(place)], []);
    await Deno.remove(place);
  },
);

Deno.test("a program that writes for long never finds the socket full", {
  ignore,
}, async () => {
  await using supervisor = new Supervisor();
  const place = await Deno.makeTempDir();
  const { hear, next } = hearing();
  const socket = await NotifySocket.open(`${place}/s`, supervisor, hear);
  for (let n = 0; n < 40; n++) await notify(socket.path, `N=${n}`);
  for (let n = 0; n < 40; n++) assertEquals(await next(), `N=${n}`);
  await socket.close();
  await Deno.remove(place);
});

Deno.test(
  "its path may be anything, and one of an earlier run",
  { ignore },
  async () => {
    await using supervisor = new Supervisor();
    const place = await Deno.makeTempDir();
    for (const name of awkward) {
      const path = `${place}/${name}`;
      await Deno.writeTextFile(path, "");
      const { hear, next } = hearing();
      const socket = await NotifySocket.open(path, supervisor, hear);
      await notify(path, "READY=1");
      assertEquals(await next(), "READY=1", path);
      await socket.close();
    }
    await Deno.remove(place);
  },
);

Deno.test("a socket that can't be opened tells why", { ignore }, async () => {
  await using supervisor = new Supervisor();
  const path = `/tmp/${"long".repeat(50)}`;
  await assertRejects(
    () => NotifySocket.open(path, supervisor, () => {}),
    MachineError,
    `systemd-socket-activate can't listen on ${path}: `,
  );
});
