import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { SharedFile } from "../../../src/machine/files/shared_file.ts";
import { MachineError } from "../../../src/errors.ts";

/** A shared directory, and one beside it that no guest may reach. */
function place() {
  const path = Deno.makeTempDirSync();
  const shared = `${path}/shared`;
  Deno.mkdirSync(shared);
  Deno.mkdirSync(`${path}/victim`);
  Deno.writeTextFileSync(`${path}/victim/file`, "secret");
  const warnings: string[] = [];
  return {
    shared,
    warnings,
    make: () => new SharedFile(shared, "web", (text) => warnings.push(text)),
    /** Where the one file is that is there. */
    only: () => `${shared}/${[...Deno.readDirSync(shared)][0].name}`,
    victim: () => Deno.readTextFileSync(`${path}/victim/file`),
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

async function* some(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new TextEncoder().encode(text));
}

async function textOf(file: SharedFile): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of file.bytes()) {
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

Deno.test("a shared file is there for its guest, and then gone", async () => {
  using at = place();
  const open = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const before = open();
  {
    using file = at.make();
    assertEquals(file.guestPath, `/tmp/shared/${at.only().split("/").pop()}`);
    assertEquals(Deno.statSync(at.only()).mode! & 0o777, 0o600);
    await file.write(some("of the host"));
    file.setTime(1_000_000_000);
    assertEquals(Deno.statSync(at.only()).mtime!.getTime(), 1e12);
    file.check();
    Deno.writeTextFileSync(at.only(), "of the guest");
    file.check();
    assertEquals(await textOf(file), "of the guest");
  }
  assertEquals([...Deno.readDirSync(at.shared)], []);
  assertEquals(at.warnings, []);
  assertEquals(open(), before);
});

Deno.test("an entry that a guest puts in a shared file's place is neither read, written nor followed", async () => {
  const swaps: ((path: string) => void)[] = [
    (path) => Deno.symlinkSync("../victim/file", path),
    (path) => Deno.symlinkSync("../victim", path),
    (path) => Deno.symlinkSync("../victim/new", path),
    (path) => Deno.writeTextFileSync(path, "another"),
    (path) => Deno.mkdirSync(path),
    (path) => void new Deno.Command("mkfifo", { args: [path] }).outputSync(),
    () => {},
  ];
  for (const swap of swaps) {
    using at = place();
    {
      using file = at.make();
      const path = at.only();
      Deno.removeSync(path);
      swap(path);
      await file.write(some("of the host"));
      assertEquals(await textOf(file), "of the host");
      const error = assertThrows(() => file.check(), MachineError);
      assertEquals(
        error.message,
        "Expected the file of a copy to stay in the shared directory, " +
          `but web moved or replaced ${path}`,
      );
    }
    assertEquals(at.victim(), "secret");
    assertEquals([...Deno.readDirSync(at.shared)], []);
  }
});

Deno.test("a directory that a guest fills in a shared file's place stays, with a warning", () => {
  using at = place();
  {
    using _ = at.make();
    const path = at.only();
    Deno.removeSync(path);
    Deno.mkdirSync(path);
    Deno.symlinkSync("../../victim", `${path}/link`);
  }
  assertEquals(at.victim(), "secret");
  assertEquals(at.warnings.length, 1);
});

Deno.test("only the first content of a shared file that grows without end is read", async () => {
  using at = place();
  using file = at.make();
  const path = at.only();
  Deno.writeFileSync(path, new Uint8Array(200_000));
  let length = 0;
  for await (const chunk of file.bytes()) {
    length += chunk.length;
    Deno.writeFileSync(path, chunk, { append: true });
    assertLess(length, 1_000_000);
  }
  assertEquals(length, 200_000);
});

Deno.test("a shared file that gets shorter is read as far as it goes", async () => {
  using at = place();
  using file = at.make();
  Deno.writeFileSync(at.only(), new Uint8Array(200_000));
  let length = 0;
  for await (const chunk of file.bytes()) {
    length += chunk.length;
    Deno.truncateSync(at.only(), 100_000);
  }
  assertEquals(length, 100_000);
});

Deno.test("a shared file is made where nothing is, whatever a guest has put there", () => {
  using at = place();
  const { randomUUID } = crypto;
  // A guest that had guessed the name.
  crypto.randomUUID = () => "guessed" as ReturnType<typeof randomUUID>;
  try {
    for (const target of ["../victim/file", "../victim/new"]) {
      Deno.symlinkSync(target, `${at.shared}/copy-guessed`);
      assertThrows(() => at.make(), Deno.errors.AlreadyExists);
      Deno.removeSync(`${at.shared}/copy-guessed`);
    }
  } finally {
    crypto.randomUUID = randomUUID;
  }
  assertEquals(at.victim(), "secret");
});

Deno.test("a shared file that its guest has removed is gone without a warning", () => {
  using at = place();
  {
    using _ = at.make();
    Deno.removeSync(at.only());
  }
  assertEquals(at.warnings, []);
});
