import { assert, assertEquals } from "@std/assert";
import { cutInWords } from "./frame_words.ts";

/** The `id` of the last command before the one that ends QEMU. */
const LAST = "the last";

/**
 * All that a QEMU without a guest says to these commands, and to one that ends
 * it, byte for byte.
 */
async function record(
  options: string,
  commands: { execute: string; id?: unknown }[],
): Promise<Uint8Array> {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/qmp`;
  using listener = Deno.listen({ transport: "unix", path });
  const qemu = new Deno.Command("qemu-system-x86_64", {
    args: [
      ...["-M", "none", "-S", "-nographic", "-nodefaults"],
      ...["-chardev", `socket,id=qmp,path=${path}`],
      ...["-mon", `chardev=qmp,mode=control${options}`],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  using connection = await listener.accept();
  const writer = connection.writable.getWriter();
  const send = (...commands: unknown[]) => {
    const text = commands.map((command) => JSON.stringify(command)).join("\n");
    return writer.write(new TextEncoder().encode(text));
  };
  // All at once: the answers come in the order of the commands.
  await send(...commands, { execute: "query-name", id: LAST });
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let end = "";
  for await (const part of connection.readable) {
    parts.push(part);
    const isLast = end.includes(LAST);
    end = end.slice(-LAST.length) + new TextDecoder().decode(part);
    // A QEMU that quits leaves unsaid what nobody has read yet.
    if (!isLast && end.includes(LAST)) {
      await send({ execute: "quit", id: "end" });
    }
  }
  await qemu.status;
  await Deno.remove(directory, { recursive: true });
  return await new Response(new Blob(parts)).bytes();
}

/** The messages of a recording, each parsed as soon as its lines are JSON. */
function messages(recording: Uint8Array): [text: string, parsed: unknown][] {
  const found: [string, unknown][] = [];
  let text = "";
  for (const line of new TextDecoder().decode(recording).split("\r\n")) {
    text += text === "" ? line : `\r\n${line}`;
    // Nothing but the last line of a message begins with its brace.
    if (!/^\{.*\}$|^\}/.test(line)) continue;
    found.push([text, JSON.parse(text)]);
    text = "";
  }
  assertEquals(text, "");
  return found;
}

/** What the cutter should tell of a message. */
function inWords([text, parsed]: [string, unknown]): string {
  const { id, event } = parsed as { id?: unknown; event?: unknown };
  const kind = ["QMP", "return", "error", "event"].find((name) =>
    Object.hasOwn(parsed as object, name)
  );
  return JSON.stringify([
    kind === "QMP" ? "greeting" : kind,
    typeof id === "string" || typeof id === "number" ? id : undefined,
    event,
    text,
  ]);
}

const commands = [
  { execute: "qmp_capabilities", id: "begin" },
  { execute: "query-status", id: 1 },
  { execute: "no-such-command", id: 'é } { " \\ 😀' },
  { execute: "query-qmp-schema", id: { nested: [1, 2] } },
  { execute: "query-commands" },
  { execute: "cont", id: -7 },
  { execute: "stop", id: 1e3 },
  { execute: "human-monitor-command", arguments: { "command-line": "help" } },
];

for (
  const [name, options] of [["", ""], [" over several lines", ",pretty=on"]]
) {
  Deno.test(`the output of QEMU${name} is cut into its messages, however it arrives`, async () => {
    const recording = await record(options, commands);
    const expected = messages(recording).map(inWords);
    const answers = expected.filter((words) =>
      /^\["(return|error)"/.test(words)
    );
    assertEquals(answers.length, commands.length + 2);
    for (const kind of ["greeting", "event"]) {
      assert(expected.some((words) => words.startsWith(`["${kind}"`)), kind);
    }
    assertEquals(cutInWords([recording]), expected);
    for (const size of [1, 61, 4093]) {
      const chunks = Array.from(
        { length: Math.ceil(recording.length / size) },
        (_, at) => recording.subarray(at * size, (at + 1) * size),
      );
      assertEquals(cutInWords(chunks), expected, `chunks of ${size} bytes`);
    }
  });
}
