import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ownDirectory,
  unclaimedDirectory,
} from "../../src/backend/own_directory.ts";
import { UsageError } from "../../src/errors.ts";

/** The user "nobody", who may do to us what any neighbour may. */
const NEIGHBOUR = 65534;

/** A place where everybody may make something, as `/tmp` is. */
function place(): { path: string } & Disposable {
  const path = Deno.makeTempDirSync({ dir: "/tmp" });
  Deno.chmodSync(path, 0o1777);
  return {
    path,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

const MODULE = new URL("../../src/backend/own_directory.ts", import.meta.url);

/**
 * The complaint of another process about a directory; nothing if it has none.
 *
 * @param how The user that it is, or what stands before its command line.
 */
async function elsewhere(
  call: "ownDirectory" | "unclaimedDirectory",
  path: string,
  how: { uid?: number; wrapper?: string[] },
): Promise<string> {
  const { uid, wrapper = [] } = how;
  const code = `
    import process from "node:process";
    import { ${call} } from ${JSON.stringify(MODULE)};
    ${uid === undefined ? "" : `process.setuid(${uid});`}
    try {
      ${call}(${JSON.stringify(path)});
    } catch (error) {
      console.log(error.message);
    }`;
  const [program, ...args] = [
    ...wrapper,
    ...[Deno.execPath(), "run", "-A", "--no-check", "-"],
  ];
  const child = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ stdout, stderr, success }] = await Promise.all([
    child.output(),
    new Blob([code]).stream().pipeTo(child.stdin),
  ]);
  const text = new TextDecoder();
  assert(success, text.decode(stderr));
  return text.decode(stdout).trimEnd();
}

const isRoot = Deno.uid() === 0;
if (!isRoot) {
  console.log("Only root can make a neighbour's files: some tests are skipped");
}
const canUnshare = isRoot && new Deno.Command("unshare", {
  args: ["--mount", "--user", "--map-root-user", "true"],
}).outputSync().success;
if (isRoot && !canUnshare) {
  console.log("No namespaces can be made here: two tests are skipped");
}

function refused(path: string, got: string): void {
  assertThrows(
    () => ownDirectory(path),
    UsageError,
    `Expected a directory that no other user can change at ${path}, got ${got}`,
  );
}

Deno.test("a directory of one's own is made, and taken again", () => {
  using top = place();
  const path = `${top.path}/a/state`;
  ownDirectory(path);
  assertEquals(Deno.statSync(path).mode! & 0o777, 0o700);
  // As those of other drivers are.
  Deno.chmodSync(path, 0o755);
  Deno.writeTextFileSync(`${path}/disk`, "kept");
  ownDirectory(path);
  assertEquals(Deno.readTextFileSync(`${path}/disk`), "kept");
  // Nobody moves another's directory out of a place like /tmp.
  ownDirectory(`${top.path}/state`);
});

Deno.test("a directory that can't be made says why", () => {
  assertThrows(() => ownDirectory("/proc/vmwright/state"), Error, "mkdir");
  assertThrows(() => unclaimedDirectory("/proc/vmwright/out"), Error, "mkdir");
});

Deno.test("a directory that others may write to is refused", () => {
  using top = place();
  const path = `${top.path}/state`;
  for (
    const [mode, shown] of [[0o777, "0777"], [0o1777, "1777"], [
      0o770,
      "0770",
    ], [0o702, "0702"]] as const
  ) {
    Deno.mkdirSync(path, { recursive: true });
    Deno.chmodSync(path, mode);
    refused(path, `one that others may write to (mode ${shown})`);
  }
});

Deno.test("a link in the place of a directory is refused", () => {
  using top = place();
  Deno.mkdirSync(`${top.path}/elsewhere`);
  for (const target of ["elsewhere", "nowhere"]) {
    const path = `${top.path}/to-${target}`;
    Deno.symlinkSync(target, path);
    refused(path, "a link");
  }
  Deno.writeTextFileSync(`${top.path}/file`, "");
  refused(`${top.path}/file`, "something else");
});

Deno.test("a place where everybody may move entries is refused", () => {
  using top = place();
  Deno.chmodSync(top.path, 0o777);
  refused(
    `${top.path}/state`,
    `one in ${
      Deno.realPathSync(top.path)
    }, which anybody may write to (mode 0777)`,
  );
  // Below what only oneself may enter, nobody does.
  Deno.mkdirSync(`${top.path}/own`, { mode: 0o700 });
  ownDirectory(`${top.path}/own/state`);
});

Deno.test({
  name: "a neighbour's directory is refused",
  ignore: !isRoot,
  fn() {
    using top = place();
    const path = `${top.path}/state`;
    Deno.mkdirSync(path);
    Deno.chownSync(path, NEIGHBOUR, NEIGHBOUR);
    refused(path, `one of user ${NEIGHBOUR}`);
    const inner = `${path}/state`;
    refused(inner, `one in ${path}, which is user ${NEIGHBOUR}'s`);
  },
});

Deno.test({
  name: "files are kept where no neighbour has made the directory",
  ignore: !isRoot,
  fn() {
    using top = place();
    const theirs = `${top.path}/theirs`;
    Deno.mkdirSync(theirs);
    Deno.chownSync(theirs, NEIGHBOUR, NEIGHBOUR);
    Deno.mkdirSync(`${top.path}/ours`);
    for (const path of [theirs, `${theirs}/out`]) {
      assertThrows(
        () => unclaimedDirectory(path),
        UsageError,
        `Expected a directory for files at ${path} that no other user has made, ` +
          `got ${theirs} of user ${NEIGHBOUR}`,
      );
    }
    unclaimedDirectory(`${top.path}/ours/new/out`);
    assert(Deno.statSync(`${top.path}/ours/new/out`).isDirectory);
    // Where only they may make something, it is for them to say what is there.
    const home = `${top.path}/ours/home`;
    Deno.mkdirSync(home);
    Deno.chownSync(home, NEIGHBOUR, NEIGHBOUR);
    unclaimedDirectory(`${home}/out`);
  },
});

Deno.test({
  name: "root's directories may stand above",
  ignore: !isRoot,
  async fn() {
    using top = place();
    const roots = `${top.path}/roots`;
    Deno.mkdirSync(roots);
    Deno.chmodSync(roots, 0o1777);
    const uid = NEIGHBOUR;
    for (const call of ["ownDirectory", "unclaimedDirectory"] as const) {
      const path = `${roots}/${call}`;
      assertEquals(await elsewhere(call, path, { uid }), "");
      assertEquals(Deno.statSync(path).uid, uid);
    }
    assertEquals(
      await elsewhere("ownDirectory", roots, { uid }),
      `Expected a directory that no other user can change at ${roots}, got one of user 0`,
    );
  },
});

Deno.test({
  name: "a mount point in a place for everybody counts as nobody's",
  ignore: !canUnshare,
  async fn() {
    using top = place();
    const mounted = `${top.path}/mounted`;
    Deno.mkdirSync(mounted);
    const mount = ["-t", "tmpfs", "-o", `uid=${NEIGHBOUR}`, "none", mounted];
    const script = `mount ${mount.join(" ")} && exec "$@"`;
    const wrapper = ["unshare", "--mount", "sh", "-c", script, "sh"];
    const path = `${mounted}/out`;
    assertEquals(await elsewhere("unclaimedDirectory", path, { wrapper }), "");
    // It was made on what was mounted for that process alone.
    assertEquals([...Deno.readDirSync(mounted)], []);
  },
});

Deno.test({
  name: "in a user namespace, a user that is not seen may be root",
  ignore: !canUnshare,
  async fn() {
    using top = place();
    const theirs = `${top.path}/theirs`, path = `${theirs}/state`;
    Deno.mkdirSync(path, { recursive: true, mode: 0o755 });
    Deno.chownSync(theirs, NEIGHBOUR, NEIGHBOUR);
    refused(path, `one in ${theirs}, which is user ${NEIGHBOUR}'s`);
    const wrapper = ["unshare", "--user", "--map-root-user"];
    assertEquals(await elsewhere("ownDirectory", path, { wrapper }), "");
  },
});
