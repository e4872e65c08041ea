import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Archive, type LeaveOut, Unarchiver } from "../../src/machine/tar.ts";
import { UsageError } from "../../src/report/mod.ts";
import { awkward } from "../backend/awkward.ts";

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
  const archive = await Archive.of(path, name, leaveOut);
  const chunks = await Array.fromAsync(archive.bytes());
  const bytes = new Uint8Array(
    await new Blob(chunks as BlobPart[]).arrayBuffer(),
  );
  assertEquals(bytes.length, archive.size);
  return bytes;
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

/** What a tree holds: by path, its kind, mode and content. */
function tree(
  path: string,
  below = "",
  look: (path: string) => Deno.FileInfo = Deno.lstatSync,
): Record<string, string> {
  const info = look(path);
  const mode = ((info.mode ?? 0) & 0o777).toString(8);
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
}

Deno.test("tar unpacks what an Archive holds", async () => {
  await using directory = await scratch();
  fill(`${directory.path}/from`);
  const bytes = await archived(`${directory.path}/from`, "to");
  await tar(["-x", "-p", "-C", directory.path], bytes);
  assertEquals(
    tree(`${directory.path}/to`),
    tree(`${directory.path}/from`, "", throughLinks),
  );
});

Deno.test("an Archive keeps the times of files", async () => {
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
      using files = new Unarchiver(`${path}/to`);
      for (let at = 0; at < bytes.length; at += size) {
        files.push(bytes.subarray(at, at + size));
      }
      assertEquals(tree(`${path}/to/from`), tree(`${path}/from`));
      await Deno.remove(`${path}/to`, { recursive: true });
      // One byte at a time takes long, and once is enough.
      if (format !== "gnu" && size === 1) break;
    }
  });
}

Deno.test("long names may have newlines and escapes in them, whatever the format", async () => {
  await using directory = await scratch();
  const { path } = directory;
  await Deno.mkdir(`${path}/from`);
  const name = `${"x".repeat(150)}\n20 path=other\n\x1b[31mé`;
  await Deno.writeTextFile(`${path}/from/${name}`, "here");
  await Deno.symlink(`/nowhere/${name}`, `${path}/from/link`);
  for (const format of ["gnu", "posix"]) {
    using files = new Unarchiver(`${path}/${format}`);
    files.push(await tar(["-c", `--format=${format}`, "-C", path, "from"]));
    assertEquals(tree(`${path}/${format}/from`), tree(`${path}/from`));
  }
});

Deno.test("unpacking again replaces what is there", async () => {
  await using directory = await scratch();
  const { path } = directory;
  fill(`${path}/from`);
  const bytes = await tar(["-c", "-C", path, "from"]);
  for (const _ of [1, 2]) {
    using files = new Unarchiver(`${path}/to`);
    files.push(bytes);
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
  // Links of an earlier copy: one for the whole tree, one for what is in it.
  await Deno.symlink("outside", `${path}/whole`);
  await Deno.mkdir(`${path}/part`);
  await Deno.symlink("../outside", `${path}/part/inner`);
  for (const name of ["whole", "part"]) {
    using files = new Unarchiver(`${path}/${name}`);
    files.push(bytes);
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
  // Neither is a link in its place followed, where no directory is told of.
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

Deno.test("a size that is no number is refused", async () => {
  await using directory = await scratch();
  await Deno.writeTextFile(`${directory.path}/file`, "");
  const bytes = await archived(`${directory.path}/file`, "file");
  bytes.set(new TextEncoder().encode("huge"), 124);
  using files = new Unarchiver(directory.path);
  assertThrows(() => files.push(bytes), TypeError, "Expected a tar archive");
});

Deno.test("what is no archive is refused", async () => {
  await using directory = await scratch();
  using files = new Unarchiver(directory.path);
  assertThrows(
    () => files.push(new TextEncoder().encode("no archive ".repeat(100))),
    TypeError,
    "Expected a tar archive from the guest",
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
    using files = new Unarchiver(directory.path);
    assertThrows(
      () => files.push(header),
      TypeError,
      "Expected names of up to 1048576 bytes from the guest, got one of 8589934591",
    );
  }
});

Deno.test("an Archive holds what links lead to", async () => {
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
  assertEquals(bytes.length, 4 * 512);
  assertEquals(left.sort(), [
    `${path}/from/pipe`,
    `${path}/from/same pipe`,
  ]);
  left.length = 0;
  using files = new Unarchiver(`${path}/to`, (name) => left.push(name));
  files.push(await tar(["-c", "-C", path, "from"]));
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
  const archive = await Archive.of(file, "file");
  await Deno.writeTextFile(file, "short");
  const bytes = new Uint8Array(
    await new Blob(await Array.fromAsync(archive.bytes()) as BlobPart[])
      .arrayBuffer(),
  );
  assertEquals(bytes.length, archive.size);
  await Deno.remove(file);
  await tar(["-x", "-C", directory.path], bytes);
  const text = await Deno.readTextFile(file);
  assertEquals(text, "short" + "\0".repeat(995));
});
