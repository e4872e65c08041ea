import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import type { LeaveOut, Reason } from "../../../src/machine/files/left_out.ts";
import { archive } from "../../../src/machine/files/tar/archive.ts";
import { Unarchiver } from "../../../src/machine/files/tar/unarchiver.ts";
import { UsageError } from "../../../src/errors.ts";
import { awkward } from "../../backend/awkward.ts";
import { Random } from "../../scan/random.ts";

/** A directory that is removed at the end. */
async function scratch(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  return {
    path,
    async [Symbol.asyncDispose]() {
      await Deno.remove(path, { recursive: true });
    },
  };
}

async function archived(
  path: string,
  name: string,
  leaveOut?: LeaveOut,
): Promise<Uint8Array> {
  const chunks = await Array.fromAsync(archive(path, name, leaveOut));
  return joined(...chunks);
}

function joined(...chunks: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
  );
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** Unpacks an archive below a directory. */
async function unpack(
  directory: string,
  bytes: Uint8Array,
  leaveOut?: LeaveOut,
  size = bytes.length,
): Promise<void> {
  using files = new Unarchiver(directory, leaveOut);
  for (let at = 0; at < bytes.length; at += size) {
    files.push(bytes.subarray(at, at + size));
  }
  await files.end();
}

async function tar(args: string[], input?: Uint8Array): Promise<Uint8Array> {
  const child = new Deno.Command("tar", {
    args,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ stdout, stderr, success }] = await Promise.all([
    child.output(),
    input && new Blob([input as BlobPart]).stream().pipeTo(child.stdin),
  ]);
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(success, true);
  return stdout;
}

/** What a tree holds: by path, its kind, mode, time and content. */
function tree(
  path: string,
  below = "",
  look: (path: string) => Deno.FileInfo = Deno.lstatSync,
): Record<string, string> {
  const info = look(path);
  const mode = ((info.mode ?? 0) & 0o7777).toString(8) +
    ` ${Math.floor(info.mtime!.getTime() / 1000)}`;
  const seen: Record<string, string> = {};
  if (info.isSymlink) seen[below] = `link ${Deno.readLinkSync(path)}`;
  else if (info.isFile) {
    seen[below] = `file ${mode} ${Deno.readTextFileSync(path)}`;
  } else {
    seen[below] = `directory ${mode}`;
    for (const { name } of Deno.readDirSync(path)) {
      Object.assign(seen, tree(`${path}/${name}`, `${below}/${name}`, look));
    }
  }
  return seen;
}

/** Looks at what links lead to, if there is that. */
function throughLinks(path: string): Deno.FileInfo {
  try {
    return Deno.statSync(path);
  } catch {
    return Deno.lstatSync(path);
  }
}

/** Gives a header the checksum that it should have. */
function sign(header: Uint8Array): void {
  header.fill(0x20, 148, 156);
  const sum = header.subarray(0, 512).reduce((sum, byte) => sum + byte, 0);
  header.set(
    new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `),
    148,
  );
}

/** A tree with everything that files have. */
function fill(root: string): void {
  const long = "long".repeat(50);
  Deno.mkdirSync(`${root}/empty`, { recursive: true });
  Deno.mkdirSync(`${root}/${long}/${long}`, { recursive: true });
  Deno.writeTextFileSync(`${root}/${long}/${long}/${long}`, "deep");
  for (const name of awkward) {
    Deno.writeTextFileSync(`${root}/${name}`, `content of ${name}`);
  }
  for (const size of [0, 1, 511, 512, 513, 1024, 300_000]) {
    Deno.writeTextFileSync(`${root}/size ${size}`, "x".repeat(size));
  }
  Deno.writeTextFileSync(`${root}/script`, "#!/bin/sh\n", { mode: 0o755 });
  Deno.writeTextFileSync(`${root}/secret`, "", { mode: 0o600 });
  Deno.linkSync(`${root}/script`, `${root}/same file`);
  Deno.symlinkSync("script", `${root}/link`);
  Deno.symlinkSync(`/nowhere/${long}`, `${root}/dangling`);
  Deno.symlinkSync("empty", `${root}/link to a directory`);
  Deno.mkdirSync(`${root}/locked`);
  Deno.writeTextFileSync(`${root}/locked/inside`, "");
  Deno.chmodSync(`${root}/locked`, 0o555);
  Deno.chmodSync(`${root}/empty`, 0o1777);
  for (const [at, name] of ["empty", "locked", "script"].entries()) {
    Deno.utimeSync(`${root}/${name}`, 1e9 + at, 1e9 + at);
  }
  Deno.utimeSync(root, 1e9, 1e9);
}

Deno.test("tar unpacks what an archive holds", async () => {
  await using directory = await scratch();
  fill(`${directory.path}/from`);
  const bytes = await archived(`${directory.path}/from`, "to");
  await tar(["-x", "-p", "-C", directory.path], bytes);
  assertEquals(
    tree(`${directory.path}/to`),
    tree(`${directory.path}/from`, "", throughLinks),
  );
});

Deno.test("an archive keeps the times of files", async () => {
  await using directory = await scratch();
  const file = `${directory.path}/file`;
  await Deno.writeTextFile(file, "");
  await Deno.utime(file, 1234567890, 1234567890);
  const bytes = await archived(file, "file");
  await tar(["-x", "-C", directory.path], bytes);
  const { mtime } = await Deno.stat(file);
  assertEquals(mtime!.getTime(), 1234567890_000);
});

for (const format of ["gnu", "posix", "ustar"]) {
  Deno.test(`an Unarchiver unpacks what tar --format=${format} packed, in chunks of any size`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    fill(`${path}/from`);
    // The old format knows no names of more than 256 bytes.
    if (format === "ustar") {
      await Deno.remove(`${path}/from/${"long".repeat(50)}`, {
        recursive: true,
      });
      await Deno.remove(`${path}/from/dangling`);
    }
    const bytes = await tar([
      "-c",
      `--format=${format}`,
      "-C",
      path,
      "--",
      "from",
    ]);
    for (const size of [1, 100, 512, 5000, bytes.length]) {
      await Deno.mkdir(`${path}/to`);
      await unpack(`${path}/to`, bytes, undefined, size);
      assertEquals(tree(`${path}/to/from`), tree(`${path}/from`));
      await Deno.remove(`${path}/to`, { recursive: true });
      // One byte at a time takes long, and once is enough.
      if (format !== "gnu" && size === 1) break;
    }
  });
}

Deno.test("a name of the oldest format goes on in the header's prefix", async () => {
  await using directory = await scratch();
  const { path } = directory;
  const long = `${"a".repeat(70)}/${"b".repeat(70)}`;
  await Deno.mkdir(`${path}/from/${long}`, { recursive: true });
  await Deno.writeTextFile(`${path}/from/${long}/file`, "deep");
  const bytes = await tar(["-c", "--format=ustar", "-C", path, "from"]);
  await Deno.mkdir(`${path}/to`);
  await unpack(`${path}/to`, bytes);
  assertEquals(tree(`${path}/to/from`), tree(`${path}/from`));
});

Deno.test("GNU tar's bytes in the place of a prefix are no part of a name", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.writeTextFile(`${path}/file`, "content");
  const bytes = await archived(`${path}/file`, "name");
  // Times of access and of change, as `tar --incremental` writes them.
  bytes.set(new TextEncoder().encode("14632000000\x0014632000000"), 345);
  sign(bytes);
  await Deno.mkdir(`${path}/to`);
  await unpack(`${path}/to`, bytes);
  assertEquals([...Deno.readDirSync(`${path}/to`)].map((e) => e.name), [
    "name",
  ]);
});

Deno.test("long names may have newlines and escapes in them, whatever the format", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.mkdir(`${path}/from`);
  const name = `${"x".repeat(150)}\n20 path=other\n\x1b[31mé`;
  await Deno.writeTextFile(`${path}/from/${name}`, "here");
  await Deno.symlink(`/nowhere/${name}`, `${path}/from/link`);
  for (const format of ["gnu", "posix"]) {
    await unpack(
      `${path}/${format}`,
      await tar(["-c", `--format=${format}`, "-C", path, "from"]),
    );
    assertEquals(tree(`${path}/${format}/from`), tree(`${path}/from`));
  }
});

Deno.test("unpacking again replaces what is there", async () => {
  await using directory = await scratch();
  const { path } = directory;
  fill(`${path}/from`);
  const bytes = await tar(["-c", "-C", path, "from"]);
  for (const _ of [1, 2]) {
    await unpack(`${path}/to`, bytes);
  }
  assertEquals(tree(`${path}/to/from`), tree(`${path}/from`));
});

Deno.test("a file takes the place of a link, not of what that leads to", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.writeTextFile(`${path}/precious`, "precious");
  await Deno.mkdir(`${path}/to`);
  await Deno.symlink("../precious", `${path}/to/file`);
  await Deno.writeTextFile(`${path}/file`, "new");
  using files = new Unarchiver(`${path}/to`);
  files.push(await tar(["-c", "-C", path, "file"]));
  assertEquals(await Deno.readTextFile(`${path}/precious`), "precious");
  assertEquals(await Deno.readTextFile(`${path}/to/file`), "new");
});

Deno.test("names that lead out of the directory are refused", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.mkdir(`${path}/to`);
  await Deno.writeTextFile(`${path}/file`, "evil");
  for (const name of ["../out", "/tmp/out", "a/../../out"]) {
    const bytes = await tar([
      "-c",
      "-P",
      `--transform=s#^file#${name}#`,
      "-C",
      path,
      "file",
    ]);
    using files = new Unarchiver(`${path}/to`);
    assertThrows(
      () => files.push(bytes),
      TypeError,
      `Expected names below a directory, got ${name}`,
    );
  }
  await assertRejects(() => Deno.stat(`${path}/out`), Deno.errors.NotFound);
});

Deno.test("a file below a link is refused", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.mkdir(`${path}/to`);
  await Deno.mkdir(`${path}/outside`);
  await Deno.symlink(`${path}/outside`, `${path}/link`);
  await Deno.writeTextFile(`${path}/file`, "evil");
  const bytes = await tar([
    ...["-c", "-C", path, "--transform=s#^file#link/file#"],
    ...["link", "file"],
  ]);
  using files = new Unarchiver(`${path}/to`);
  assertThrows(
    () => files.push(bytes),
    TypeError,
    "Expected no file below a link, got link/file",
  );
  assertEquals([...Deno.readDirSync(`${path}/outside`)], []);
});

Deno.test("a directory takes the place of a link, not of what that leads to", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.mkdir(`${path}/outside`);
  await Deno.mkdir(`${path}/from/inner`, { recursive: true });
  await Deno.writeTextFile(`${path}/from/inner/file`, "new");
  const bytes = await tar(["-c", "-C", `${path}/from`, "."]);
  // Links of an earlier copy: one for the whole tree, one for an entry in it.
  await Deno.symlink("outside", `${path}/whole`);
  await Deno.mkdir(`${path}/part`);
  await Deno.symlink("../outside", `${path}/part/inner`);
  for (const name of ["whole", "part"]) {
    await unpack(`${path}/${name}`, bytes);
    assertEquals(tree(`${path}/${name}`), tree(`${path}/from`));
  }
  assertEquals([...Deno.readDirSync(`${path}/outside`)], []);
});

Deno.test("the directory itself is replaced by nothing from the guest", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.mkdir(`${path}/outside`);
  await Deno.symlink(`${path}/outside`, `${path}/link`);
  await Deno.writeTextFile(`${path}/file`, "evil");
  const packed = (...files: string[]) =>
    tar(["-c", "-C", path, "--transform=s#^link$#./.#rSh", ...files]);
  for (const bytes of [await packed("link", "file"), await packed("link")]) {
    using files = new Unarchiver(`${path}/to`);
    assertThrows(
      () => files.push(bytes),
      TypeError,
      "Expected names below a directory, got ",
    );
  }
  // A link in its place is not followed either, if the archive has no entry for
  // the directory.
  await Deno.symlink("outside", `${path}/to`);
  using files = new Unarchiver(`${path}/to`);
  const bytes = await tar(["-c", "-C", path, "file"]);
  assertThrows(() => files.push(bytes), TypeError, "below a link, got file");
  assertEquals([...Deno.readDirSync(`${path}/outside`)], []);
});

Deno.test("a path that is too long for the host is refused", async () => {
  await using directory = await scratch();
  await Deno.writeTextFile(`${directory.path}/file`, "");
  const bytes = await archived(`${directory.path}/file`, "a/".repeat(400_000));
  using files = new Unarchiver(directory.path);
  assertThrows(
    () => files.push(bytes),
    TypeError,
    "Expected paths of up to 4095 bytes from the guest, got one that begins " +
      "with a/a/a/a/a/a/a/a/a/a/",
  );
});

Deno.test("a size that is not a number is refused", async () => {
  await using directory = await scratch();
  await Deno.writeTextFile(`${directory.path}/file`, "");
  const bytes = await archived(`${directory.path}/file`, "file");
  for (const size of ["huge", "-0000000001", "12 3", "\xff\xff"]) {
    const changed = bytes.slice();
    changed.set(Uint8Array.from(size, (c) => c.charCodeAt(0)), 124);
    sign(changed);
    await assertRejects(
      () => unpack(directory.path, changed),
      TypeError,
      "bytes of file from the guest, got no number",
    );
  }
});

Deno.test("bytes that are no archive are refused", async () => {
  await using directory = await scratch();
  using files = new Unarchiver(directory.path);
  assertThrows(
    () => files.push(new TextEncoder().encode("no archive ".repeat(100))),
    TypeError,
    "Expected a tar archive from the guest",
  );
});

Deno.test("an archive of an unknown format is refused", async () => {
  await using directory = await scratch();
  await Deno.writeTextFile(`${directory.path}/file`, "");
  const bytes = await archived(`${directory.path}/file`, "file");
  bytes.fill(0, 257, 265);
  sign(bytes);
  await assertRejects(
    () => unpack(directory.path, bytes),
    TypeError,
    "Expected a tar archive from the guest, got something else",
  );
});

Deno.test("a name that would fill the memory is refused", async () => {
  await using directory = await scratch();
  await Deno.writeTextFile(`${directory.path}/file`, "");
  for (const flag of ["L", "K", "x", "g"]) {
    const archive = await archived(`${directory.path}/file`, "x".repeat(200));
    const header = archive.slice(0, 512);
    header.set(new TextEncoder().encode("77777777777"), 124);
    header[156] = flag.charCodeAt(0);
    sign(header);
    using files = new Unarchiver(directory.path);
    assertThrows(
      () => files.push(header),
      TypeError,
      "Expected names of up to 1048576 bytes from the guest, got one of 8589934591",
    );
  }
});

Deno.test("an archive holds what links lead to", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.mkdir(`${path}/real/deep`, { recursive: true });
  await Deno.writeTextFile(`${path}/real/deep/file`, "real");
  await Deno.mkdir(`${path}/from`);
  await Deno.symlink("../real", `${path}/from/one`);
  await Deno.symlink("../real", `${path}/from/two`);
  await Deno.mkdir(`${path}/to`);
  await tar(["-x", "-C", `${path}/to`], await archived(`${path}/from`, "t"));
  for (const name of ["one", "two"]) {
    assertEquals(tree(`${path}/to/t/${name}`), tree(`${path}/real`));
  }
  await Deno.symlink("../..", `${path}/real/deep/up`);
  await assertRejects(
    () => archived(`${path}/from`, "t"),
    UsageError,
    "deep/up/from, which leads back to",
  );
});

Deno.test("pipes are left out, and told", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.mkdir(`${path}/from`);
  await new Deno.Command("mkfifo", { args: [`${path}/from/pipe`] }).output();
  await Deno.link(`${path}/from/pipe`, `${path}/from/same pipe`);
  await Deno.writeTextFile(`${path}/from/file`, "");
  const left: string[] = [];
  const bytes = await archived(
    `${path}/from`,
    "to",
    (name) => left.push(name),
  );
  assertEquals(bytes.length, 5 * 512);
  assertEquals(left.sort(), [
    `${path}/from/pipe`,
    `${path}/from/same pipe`,
  ]);
  left.length = 0;
  const packed = await tar(["-c", "-C", path, "from"]);
  await unpack(`${path}/to`, packed, (name) => left.push(name));
  assertEquals(left.sort(), ["from/pipe", "from/same pipe"]);
  assertEquals(
    [...Deno.readDirSync(`${path}/to/from`)].map(({ name }) => name),
    ["file"],
  );
});

Deno.test("a file that shrinks meanwhile is filled up with zeros", async () => {
  await using directory = await scratch();
  const file = `${directory.path}/file`;
  await Deno.writeTextFile(file, "x".repeat(1000));
  await Deno.truncate(file, 1_000_000);
  const left: [string, Reason?][] = [];
  const chunks: Uint8Array[] = [];
  for await (
    const chunk of archive(file, "file", (...what) => left.push(what))
  ) {
    chunks.push(chunk);
    await Deno.truncate(file, 300_000);
  }
  await Deno.remove(file);
  await tar(["-x", "-C", directory.path], joined(...chunks));
  const text = await Deno.readTextFile(file);
  assertEquals(text, "x".repeat(1000) + "\0".repeat(999_000));
  assertEquals(left, [[file, "shorter"]]);
});

Deno.test("a file in an archive has the bytes of a read, whatever its reported size", async () => {
  await using directory = await scratch();
  const { path } = directory;
  for (
    const file of [
      "/proc/version",
      "/sys/kernel/mm/transparent_hugepage/enabled",
    ]
  ) {
    await tar(["-x", "-C", path], await archived(file, "file"));
    assertEquals(
      await Deno.readTextFile(`${path}/file`),
      await Deno.readTextFile(file),
    );
  }
});

Deno.test("a file that grows is archived as long as it was at first", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.writeFile(`${path}/log`, new Uint8Array(600_000).fill(0x61));
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive(`${path}/log`, "copy")) {
    chunks.push(chunk);
    await Deno.writeTextFile(`${path}/log`, "more", { append: true });
  }
  await tar(["-x", "-C", path], joined(...chunks));
  assertEquals(
    await Deno.readFile(`${path}/copy`),
    new Uint8Array(600_000).fill(0x61),
  );
});

Deno.test("an archive leaves out files that are gone, unreadable, or not named in UTF-8", async () => {
  await using directory = await scratch();
  const { path } = directory;
  const { success } = await new Deno.Command("bash", {
    args: [
      "-c",
      "mkdir from && cd from && echo x >$'\\351' && echo y >$'\\350' && " +
      "echo z >$'\\357\\277\\275' && echo good >good",
    ],
    cwd: path,
  }).output();
  assert(success);
  const left: [string, Reason?][] = [];
  const bytes = await archived(
    `${path}/from`,
    "to",
    (...what) => left.push(what),
  );
  await tar(["-x", "-C", path], bytes);
  // One has the very name that Deno gives for the others.
  assertEquals(await Deno.readTextFile(`${path}/to/\ufffd`), "z\n");
  assertEquals(await Deno.readTextFile(`${path}/to/good`), "good\n");
  left.length = 0;
  await Deno.remove(`${path}/from/\ufffd`);
  await archived(`${path}/from`, "to", (...what) => left.push(what));
  assertEquals(left, [[`${path}/from/\ufffd`, "name"]]);
  left.length = 0;
  for await (
    const _ of archive(`${path}/to`, "to", (...what) => left.push(what))
  ) {
    await Deno.remove(`${path}/to/good`).catch(() => {});
    await Deno.remove(`${path}/to/\ufffd`).catch(() => {});
  }
  assert(left.some(([name, why]) => name.endsWith("/good") && why === "gone"));
});

Deno.test("names that are not UTF-8 are left out of what is unpacked, and told", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await new Deno.Command("bash", {
    args: [
      "-c",
      "mkdir -p from/$'d\\351' && cd from && echo one >$'\\351' && " +
      "echo two >$'d\\351/in' && ln -s $'\\350' link && echo good >good",
    ],
    cwd: path,
  }).output();
  for (const format of ["gnu", "posix"]) {
    const left: [string, Reason?][] = [];
    await unpack(
      `${path}/${format}`,
      await tar(["-c", `--format=${format}`, "-C", path, "from"]),
      (...what) => left.push(what),
    );
    assertEquals(
      Object.keys(tree(`${path}/${format}/from`)).sort(),
      ["", "/good"],
    );
    assertEquals(left.sort(), [
      ["from/\\351", "name"],
      ["from/d\\351/", "name"],
      ["from/d\\351/in", "name"],
      ["from/link", "name"],
    ]);
  }
});

Deno.test("setuid and setgid bits are not unpacked, and told", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.mkdir(`${path}/from`);
  await Deno.writeTextFile(`${path}/from/file`, "");
  await Deno.chmod(`${path}/from/file`, 0o6755);
  const left: [string, Reason?][] = [];
  await unpack(
    `${path}/to`,
    await tar(["-c", "-C", path, "from"]),
    (...what) => left.push(what),
  );
  const { mode } = await Deno.stat(`${path}/to/from/file`);
  assertEquals(mode! & 0o7777, 0o755);
  assertEquals(left, [["from/file", "setuid"]]);
});

Deno.test("hard links stay links to one file, both ways", async () => {
  await using directory = await scratch();
  const { path } = directory;
  const long = "x".repeat(150);
  await Deno.mkdir(`${path}/from/sub`, { recursive: true });
  await Deno.writeTextFile(`${path}/from/${long}`, "content");
  await Deno.link(`${path}/from/${long}`, `${path}/from/sub/same`);
  const bytes = await archived(`${path}/from`, "to");
  await tar(["-x", "-C", path], bytes);
  await unpack(`${path}/ours`, bytes);
  for (const root of [`${path}/to`, `${path}/ours/to`]) {
    assertEquals(
      (await Deno.stat(`${root}/${long}`)).ino,
      (await Deno.stat(`${root}/sub/same`)).ino,
    );
    assertEquals(await Deno.readTextFile(`${root}/sub/same`), "content");
  }
});

Deno.test("zeros in a file take no space on the disk", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.writeTextFile(`${path}/file`, "begin");
  await Deno.truncate(`${path}/file`, 8 << 20);
  await Deno.mkdir(`${path}/to`);
  await unpack(
    `${path}/to`,
    await tar(["-c", "-C", path, "file"]),
    undefined,
    64 * 1024,
  );
  const info = await Deno.stat(`${path}/to/file`);
  assertLess(info.blocks! * 512, 1 << 20);
  assertEquals(
    await Deno.readFile(`${path}/to/file`),
    await Deno.readFile(`${path}/file`),
  );
});

Deno.test("a size that only a record tells is heeded", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.writeTextFile(`${path}/file`, "x".repeat(1000));
  const whole = await tar([
    "-c",
    "--format=posix",
    "--pax-option=size:=1000",
    "-C",
    path,
    "file",
  ]);
  // As for more than eight GiB, where the header has no room for it.
  const at = 1024;
  const changed = whole.slice();
  changed.set(new TextEncoder().encode("00000000000"), at + 124);
  sign(changed.subarray(at));
  await unpack(`${path}/to`, changed);
  assertEquals((await Deno.stat(`${path}/to/file`)).size, 1000);
});

Deno.test("random trees are the same through tar and through the driver, both ways", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    await using directory = await scratch();
    const { path } = directory;
    grow(`${path}/from`, new Random(seed));
    const expected = tree(`${path}/from`);
    for (const format of ["gnu", "posix"]) {
      const bytes = await tar([
        ...["-c", `--format=${format}`],
        ...["-C", path, "from"],
      ]);
      const to = `${path}/${format}`;
      await unpack(to, bytes, undefined, 1 + new Random(seed).below(70_000));
      assertEquals(tree(`${to}/from`), expected, `seed ${seed}`);
    }
    const through = await archived(`${path}/from`, "back");
    await tar(["-x", "-p", "-C", path], through);
    assertEquals(
      tree(`${path}/back`),
      tree(`${path}/from`, "", throughLinks),
      `seed ${seed}`,
    );
  }
});

/** Makes a tree whose contents follow from a seed. */
function grow(path: string, random: Random, depth = 0): void {
  Deno.mkdirSync(path);
  const names = random.below(depth === 0 ? 20 : 6);
  for (let at = 0; at < names; at++) {
    const name = random.pick(awkward).slice(0, 1 + random.below(60)) +
      "n".repeat(random.oneIn(5) ? random.below(150) : 0) + at;
    const inner = `${path}/${name}`;
    if (depth < 4 && random.oneIn(3)) grow(inner, random, depth + 1);
    else if (random.oneIn(5)) {
      Deno.symlinkSync("/nowhere/" + "t".repeat(random.below(300)), inner);
    } else {
      const size = random.pick([0, 1, 511, 512, 513, random.below(50_000)]);
      Deno.writeFileSync(
        inner,
        random.oneIn(4) ? new Uint8Array(size) : random.bytes(size),
      );
      const mode = random.pick([0o644, 0o600, 0o755, 0o444]);
      Deno.chmodSync(inner, mode);
      Deno.utimeSync(inner, random.below(1.7e9), random.below(1.7e9));
    }
  }
  Deno.utimeSync(path, random.below(1.7e9), random.below(1.7e9));
  Deno.chmodSync(path, random.pick([0o755, 0o700, 0o555]));
}
