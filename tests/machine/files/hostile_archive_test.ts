import { cpuUsage } from "node:process";
import {
  assertEquals,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { Unarchiver } from "../../../src/machine/files/tar/unarchiver.ts";

/** Bytes that come at once, as from a guest. */
const CHUNK = 64 * 1024;
const MIB = 1024 * 1024;

/** What an entry of an archive says of itself. */
interface Entry {
  flag?: string;
  /** What its header says it has. */
  size?: number | bigint;
  target?: string;
  magic?: string;
  /** The bytes after its header, filled up to a block. */
  data?: Uint8Array;
}

function header(
  name: string,
  { flag = "0", size = 0, target = "", magic = "ustar  \0" }: Entry,
): Uint8Array {
  const block = new Uint8Array(512);
  const put = (offset: number, text: string) =>
    block.set(new TextEncoder().encode(text).subarray(0, 100), offset);
  put(0, name);
  put(100, "0000644\0" + "0000000\0".repeat(2));
  if (size < 8 ** 11) put(124, size.toString(8).padStart(11, "0"));
  else {
    block[124] = 0x80;
    new DataView(block.buffer).setBigUint64(128, BigInt(size));
  }
  put(136, "00000000000");
  put(148, " ".repeat(8));
  put(156, flag);
  put(157, target);
  put(257, magic);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, sum.toString(8).padStart(6, "0") + "\0 ");
  return block;
}

function* entry(name: string, what: Entry = {}): Generator<Uint8Array> {
  const { data = new Uint8Array(0) } = what;
  yield header(name, { size: data.length, ...what });
  yield data;
  yield new Uint8Array((512 - data.length % 512) % 512);
}

function* long(name: string, what: Entry = {}): Generator<Uint8Array> {
  const data = new TextEncoder().encode(`${name}\0`);
  yield* entry("././@LongLink", { flag: "L", data });
  yield* entry(name, what);
}

function* pax(records: string): Generator<Uint8Array> {
  yield* entry("pax", { flag: "x", data: new TextEncoder().encode(records) });
}

const END = new Uint8Array(1024);

/** The same bytes in chunks. */
function* chunked(parts: Iterable<Uint8Array>): Generator<Uint8Array> {
  let chunk = new Uint8Array(CHUNK);
  let length = 0;
  for (const part of parts) {
    for (let offset = 0; offset < part.length;) {
      const piece = part.subarray(offset, offset + CHUNK - length);
      chunk.set(piece, length);
      length += piece.length;
      offset += piece.length;
      if (length < CHUNK) continue;
      yield chunk;
      chunk = new Uint8Array(CHUNK);
      length = 0;
    }
  }
  yield chunk.subarray(0, length);
}

/**
 * Unpacks what a guest sends. Answers for how many milliseconds nobody else had
 * their turn, the bytes that were in memory, and what was left out.
 */
async function unpack(
  parts: Iterable<Uint8Array>,
  look: (directory: string) => void = () => {},
): Promise<{ slowest: number; memory: number; left: string[] }> {
  const directory = Deno.makeTempDirSync();
  const left: string[] = [];
  let slowest = 0, memory = 0;
  const before = Deno.memoryUsage().rss;
  // Of the process, since others are on the machine.
  let last = cpuUsage();
  const ticking = setInterval(() => {
    const { user, system } = cpuUsage(last);
    last = cpuUsage();
    slowest = Math.max(slowest, (user + system) / 1000);
  });
  try {
    using files = new Unarchiver(`${directory}/to`, (name) => left.push(name));
    for (const chunk of chunked(parts)) {
      await files.take(chunk);
      // As there is between two reads of a stream.
      await new Promise((resolve) => setTimeout(resolve));
      memory = Math.max(memory, Deno.memoryUsage().rss - before);
    }
    await files.end();
    look(`${directory}/to`);
    assertEquals([...Deno.readDirSync(directory)].length, 1);
    return { slowest, memory, left };
  } finally {
    clearInterval(ticking);
    Deno.removeSync(directory, { recursive: true });
  }
}

/**
 * What neither stands still nor takes memory. The bound is far above what is
 * seen, 10 to 30 milliseconds, and far below the many seconds of what did.
 */
function assertLight(
  { slowest, memory }: Awaited<ReturnType<typeof unpack>>,
  most = 1000,
): void {
  assertLess(slowest, most);
  assertLess(memory, 200 * MIB);
}

async function refused(
  parts: Iterable<Uint8Array>,
  message: string,
): Promise<void> {
  const start = Deno.memoryUsage().rss;
  await assertRejects(() => unpack(parts), TypeError, message);
  assertLess(Deno.memoryUsage().rss - start, 200 * MIB);
}

function* of(...parts: Iterable<Uint8Array>[]): Generator<Uint8Array> {
  for (const part of parts) yield* part;
  yield END;
}

function* times(
  count: number,
  make: (at: number) => Iterable<Uint8Array>,
): Generator<Uint8Array> {
  for (let at = 0; at < count; at++) yield* make(at);
}

/** A file of many bytes. */
function* big(name: string, mebibytes: number): Generator<Uint8Array> {
  const piece = new Uint8Array(MIB).fill(0x41);
  yield header(name, { size: mebibytes * MIB });
  for (let at = 0; at < mebibytes; at++) yield piece;
}

Deno.test("an empty record before a large file is refused", async () => {
  for (const flag of ["L", "K", "x", "g"]) {
    await refused(
      of(entry("first"), entry("record", { flag }), big("big", 300)),
      "Expected a tar archive from the guest, got an empty name after first",
    );
  }
});

Deno.test("a large file takes no memory", async () => {
  assertLight(
    await unpack(of(big("big", 300)), (to) => {
      assertEquals(Deno.statSync(`${to}/big`).size, 300 * MIB);
    }),
  );
});

Deno.test("directories in each other are refused from some depth on", async () => {
  const deep = (depth: number) =>
    times(depth, (at) => long("a/".repeat(at + 1), { flag: "5" }));
  assertLight(await unpack(of(deep(256))));
  await refused(
    of(deep(1800)),
    "Expected up to 256 directories in each other from the guest, got 257 in a " +
      "path that begins with a/a/a/a/a/a/a/a/a/a/",
  );
});

Deno.test("deep directories take no time, in whatever order they come", async () => {
  const deep = (name: string) => `${name}/`.repeat(250);
  assertLight(
    await unpack(of(
      times(500, (at) => long(`${deep(at % 2 ? "a" : "b")}f${at}`)),
      // After each link, the path must be checked again.
      times(300, (at) => [
        ...long(`${deep("a")}f${at}`),
        ...entry(`link${at}`, { flag: "2", target: "nowhere" }),
      ]),
    )),
  );
});

Deno.test("a file that ends too early is an error with its name", async () => {
  const data = new TextEncoder().encode("abc");
  await refused(
    of(entry("first", { data }), entry("big", { data, size: 1_000_000 })),
    "Expected 1000000 bytes of big from the guest, got 1536",
  );
  await refused(
    entry("big", { data }),
    "Expected a whole tar archive from the guest, got one that ends after big",
  );
  await refused([], "got one that ends before its first file");
  const cut = entry("big", { data, size: 1_000_000 }).next().value!;
  await refused(
    [...entry("first"), cut.subarray(0, 300)],
    "got one that ends after first",
  );
});

Deno.test("a size that no file has is refused with its name", async () => {
  for (const size of [2n ** 63n, 2n ** 53n, 2n ** 64n - 1n]) {
    await refused(
      of(entry("huge", { size, data: new Uint8Array(MIB) })),
      "Expected a size of up to 9007199254740991 bytes of huge from the guest, " +
        `got ${Number(size)}`,
    );
  }
  await refused(
    of(pax("31 size=99999999999999999999999\n".padStart(32)), entry("huge")),
    "got an invalid record",
  );
  await refused(
    of(pax("32 size=99999999999999999999999\n"), entry("huge")),
    "bytes of huge from the guest, got 1e+23",
  );
});

Deno.test("records that lie about themselves are refused", async () => {
  for (
    const records of [
      "99999999 path=x\n",
      "99 path=x\n",
      "0 path=x\n",
      "-5 path=x\n",
      "5 path=x\n",
      "10 path=xx",
      "9 pathxx\n",
      "path=x\n",
      "\n",
      "1",
      "9".repeat(1000),
      "\0".repeat(100),
    ]
  ) {
    await refused(of(pax(records), entry("file")), "got an invalid record");
  }
});

Deno.test("a record of a gigabyte is refused before it comes", async () => {
  for (const flag of ["L", "K", "x", "g"]) {
    await refused(
      of(entry("record", { flag, size: 1024 ** 3 }), big("big", 300)),
      "Expected names of up to 1048576 bytes from the guest, got one of 1073741824",
    );
  }
});

Deno.test("records without end take no memory", async () => {
  const most = new Uint8Array(MIB - 1).fill(0x61);
  const records = (flag: string, count: number) =>
    times(
      count,
      () => entry("record", { flag, data: most }),
    );
  assertLight(await unpack(of(records("g", 250), entry("file"))));
  await refused(
    of(records("L", 20), records("K", 20), entry("file")),
    "Expected paths of up to 4095 bytes from the guest, got one that begins with " +
      "aaaaaaaaaaaaaaaaaaaa",
  );
  assertLight(
    await unpack(
      of(pax("1000015 mtime=" + "1".repeat(1_000_000) + "\n"), entry("file")),
      (to) => {
        assertEquals(Deno.statSync(`${to}/file`).mtime!.getFullYear(), 2106);
      },
    ),
  );
});

Deno.test("a hundred thousand records at once take no time", async () => {
  for (const record of ["5 a=\n", "5 p=\n", "10 path=a\n", "14 linkpath=a\n"]) {
    const count = Math.floor((MIB - 1) / record.length);
    assertLight(
      await unpack(of(pax(record.repeat(count)), entry("file"))),
      250,
    );
  }
});

Deno.test("the last of several records of a key counts", async () => {
  await unpack(
    of(
      pax("10 path=a\n10 path=b\n14 linkpath=c\n15 path=some\nd\n11 pathx=y\n"),
      entry("file"),
    ),
    (to) => {
      assertEquals([...Deno.readDirSync(to)].map(({ name }) => name), [
        "some\nd",
      ]);
    },
  );
});

Deno.test("to leave directories in each other takes a look at each", async () => {
  const directory = Deno.makeTempDirSync();
  const look = Deno.lstatSync;
  let looks = 0;
  try {
    // Another archive may change a known directory.
    using _other = new Unarchiver(`${directory}/other`);
    using files = new Unarchiver(`${directory}/to`);
    const deep = times(256, (at) => long("a/".repeat(at + 1), { flag: "5" }));
    for (const chunk of chunked(deep)) await files.take(chunk);
    Deno.lstatSync = (path) => {
      looks++;
      return look(path);
    };
    for (const part of entry("last")) files.push(part);
    // Once on the way down, once for each.
    assertLess(looks, 3 * 256);
  } finally {
    Deno.lstatSync = look;
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("senseless names are refused", async () => {
  const path = (name: string) => {
    const rest = ` path=${name}\n`;
    let length = rest.length + 1;
    while (`${length}${rest}`.length !== length) length++;
    return of(pax(`${length}${rest}`), entry("file"));
  };
  for (
    const [name, message] of [
      ["", "Expected names below a directory, got "],
      [".", "Expected names below a directory, got ."],
      ["/etc/passwd", "Expected names below a directory, got /etc/passwd"],
      ["../out", "Expected names below a directory, got ../out"],
      ["a/../../out", "Expected names below a directory, got a/../../out"],
      ["a\0b", "Expected no NUL in a name, got a\0b"],
      ["a/".repeat(3000), "Expected paths of up to 4095 bytes from the guest"],
    ]
  ) await refused(path(name), message);
});

Deno.test("no file gets out of the directory through a link", async () => {
  const hard = { flag: "1" };
  for (const target of ["../out", "/etc/passwd", "a/../../out", ""]) {
    await refused(
      of(entry("link", { ...hard, target })),
      `Expected names below a directory, got ${target}`,
    );
  }
  const symbolic = { flag: "2", target: "/etc" };
  await refused(
    of(
      entry("link", symbolic),
      entry("same", { ...hard, target: "link/passwd" }),
    ),
    "Expected no file below a link, got link/passwd",
  );
  // A second name of a link is a link, too.
  await refused(
    of(
      entry("a/known"),
      entry("link", symbolic),
      entry("same", { ...hard, target: "link" }),
      entry("same/passwd"),
    ),
    "Expected no file below a link, got same/passwd",
  );
  // A known directory may have become a link.
  await refused(
    of(
      entry("a/b/", { flag: "5" }),
      entry("a/b/c/", { flag: "5" }),
      entry("a/b/c", symbolic),
      entry("a/b/c/passwd"),
    ),
    "Expected no file below a link, got a/b/c/passwd",
  );
});

Deno.test("an entry that another archive puts in a directory's place is noticed", () => {
  const directory = Deno.makeTempDirSync();
  try {
    const victim = `${directory}/victim`;
    Deno.mkdirSync(victim);
    using one = new Unarchiver(`${directory}/to`);
    using other = new Unarchiver(`${directory}/to`);
    const push = (files: Unarchiver, ...parts: Iterable<Uint8Array>[]) => {
      for (const part of parts) for (const bytes of part) files.push(bytes);
    };
    push(one, entry("d/", { flag: "5" }), entry("d/e/", { flag: "5" }));
    push(one, entry("d/e/first"));
    push(other, entry("d/e/first", { flag: "2", target: "nowhere" }));
    Deno.removeSync(`${directory}/to/d/e/first`);
    push(other, entry("d/e", { flag: "2", target: victim }));
    assertThrows(
      () => push(one, entry("d/e/second")),
      TypeError,
      "Expected no file below a link, got d/e/second",
    );
    assertEquals([...Deno.readDirSync(victim)], []);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("a known directory that becomes a link counts as a link", async () => {
  await refused(
    of(
      entry("a/b/", { flag: "5" }),
      // This is left out, but its way was looked at.
      entry("a/b/device", { flag: "3" }),
      entry("a/b", { flag: "2", target: "nowhere" }),
      entry("a/b/file"),
    ),
    "Expected no file below a link, got a/b/file",
  );
});

Deno.test("a hard link to itself leaves a file as it is", async () => {
  const data = new TextEncoder().encode("kept");
  const { left } = await unpack(
    of(entry("same", { data }), entry("same", { flag: "1", target: "./same" })),
    (to) => assertEquals(Deno.readTextFileSync(`${to}/same`), "kept"),
  );
  assertEquals(left, []);
});

Deno.test("a wrong checksum is refused", async () => {
  const [good, ...rest] = entry("file");
  for (const at of [0, 100, 124, 156, 157, 500, 511]) {
    const bad = good.slice();
    bad[at] ^= 1;
    await refused(
      of(entry("first"), [bad, ...rest]),
      "Expected a tar archive from the guest, got a wrong checksum after first",
    );
  }
});

Deno.test("sparse files are left out, and told", async () => {
  const { left } = await unpack(
    of(
      pax("22 GNU.sparse.major=1\n"),
      entry("sparse", { data: new Uint8Array(600) }),
      entry("older", { flag: "S", data: new Uint8Array(600) }),
      entry("last"),
    ),
    (to) => {
      assertEquals([...Deno.readDirSync(to)].map(({ name }) => name), ["last"]);
    },
  );
  assertEquals(left, ["sparse", "older"]);
});

Deno.test("devices, and what has no name yet, are left out and told", async () => {
  const { left } = await unpack(of(
    times(5, (at) => entry(`odd${at}`, { flag: "346MZ"[at] })),
    entry("last"),
  ));
  assertEquals(left, ["odd0", "odd1", "odd2", "odd3", "odd4"]);
});

Deno.test("many small entries take time for each, and no memory", async () => {
  assertLight(
    await unpack(of(times(1000, (at) => entry(`${at % 100}/${at}`)))),
  );
  // Of the same name, the last is there.
  assertLight(await unpack(of(times(1000, () => entry("same")))));
  assertLight(
    await unpack(of(
      times(1000, (at) => entry(`d${at}/`, { flag: "5" })),
    )),
  );
});

Deno.test("bytes after the end of an archive are skipped", async () => {
  await unpack(
    [...of(entry("file")), ...entry("late"), new Uint8Array(10)],
    (to) => {
      assertEquals([...Deno.readDirSync(to)].map(({ name }) => name), ["file"]);
    },
  );
});
