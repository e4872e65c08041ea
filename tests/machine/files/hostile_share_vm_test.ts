import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { MachineError } from "../../../mod.ts";
import { booted } from "../booted.ts";

/** How often a file and a tree are copied both ways, against whom. */
const ROUNDS = Deno.env.has("VMWRIGHT_LONG")
  ? { "the host": 250, "the guest": 100 }
  : { "the host": 25, "the guest": 10 };
const SECRET = "what no guest may see\n";

/** A directory of the host whose contents a guest tries to read. */
async function makeVictim(): Promise<string> {
  const path = await Deno.makeTempDir({ prefix: "victim-" });
  await Deno.writeTextFile(`${path}/secret`, SECRET);
  await Deno.mkdir(`${path}/sub`);
  await Deno.writeTextFile(`${path}/sub/secret`, SECRET);
  return path;
}

/** All that is below a directory, with the contents of files. */
function everything(path: string): string[] {
  return [...Deno.readDirSync(path)].flatMap((entry) => {
    const inner = `${path}/${entry.name}`;
    if (entry.isDirectory) return [inner, ...everything(inner)];
    const { mode, mtime } = Deno.lstatSync(inner);
    const text = entry.isFile ? Deno.readTextFileSync(inner) : "";
    return [`${inner} ${mode} ${mtime?.getTime()} ${text}`];
  }).sort();
}

/**
 * A process that does what a guest can do by its share: as fast as it can, it
 * moves each new entry away and puts a link in its place.
 */
function swapper(shared: string, victim: string): Deno.ChildProcess {
  const script = `
    const [shared, victim] = Deno.args;
    const seen = new Set(["away"]);
    const places = ["", "/secret", "/sub", "/new", "/sub/new"];
    Deno.mkdirSync(shared + "/away", { recursive: true });
    console.log("ready");
    for (let at = 0;;) {
      for (const { name } of Deno.readDirSync(shared)) {
        if (seen.has(name)) continue;
        seen.add(name);
        try {
          Deno.renameSync(shared + "/" + name, shared + "/away/" + name);
          Deno.symlinkSync(victim + places[at++ % 5], shared + "/" + name);
        } catch {
          // The driver was faster.
        }
      }
    }`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", script, shared, victim],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** What the guest itself runs for the same, with what only it can make. */
function guestSwapper(victim: string): string {
  return `(
    set +e
    mkdir -p /tmp/shared/away
    cd /tmp/shared
    n=0
    while :; do
      for name in copy-*; do
        [ -f "$name" ] && [ ! -L "$name" ] || continue
        mv "$name" away/
        case $((n++ % 5)) in
          0) ln -s ${victim} "$name" ;;
          1) ln -s ${victim}/secret "$name" ;;
          2) mkfifo "$name" ;;
          3) mkdir -p "$name/not/empty" ;;
          4) ln -s ${victim}/new "$name" ;;
        esac
      done
    done
  ) >/dev/null 2>&1 &`;
}

for (const who of ["the host", "the guest"] as const) {
  Deno.test(`nothing gets out of the shared directory while ${who} swaps its entries for links`, async () => {
    await using test = await booted();
    const { machine, outDir } = test;
    const victim = await makeVictim();
    const host = await Deno.makeTempDir();
    await Deno.mkdir(`${host}/tree/sub`, { recursive: true });
    await Deno.writeTextFile(`${host}/tree/sub/file`, "of the tree\n");
    await Deno.writeTextFile(`${host}/file`, "of the host\n".repeat(50_000));
    await machine.succeed(
      "mkdir -p /root/tree/sub; echo of the guest >/root/tree/sub/file",
      "for n in {1..5000}; do echo of the guest; done >/root/file",
    );
    const before = everything(victim);
    let swapping: Deno.ChildProcess | undefined;
    if (who === "the host") {
      swapping = swapper(machine.sharedDir, victim);
      const said = swapping.stdout.getReader();
      await said.read();
      said.releaseLock();
    } else await machine.succeed(guestSwapper(victim));

    const failures: unknown[] = [];
    const attempt = (copy: Promise<void>) =>
      copy.catch((error) => void failures.push(error));
    for (let round = 0; round < ROUNDS[who]; round++) {
      await attempt(machine.copyFromHost(`${host}/file`, "/tmp/file"));
      await attempt(machine.copyFromMachine("/root/file", `${round}`));
      await attempt(machine.copyFromHost(`${host}/tree`, "/tmp/tree"));
      await attempt(machine.copyFromMachine("/root/tree", `${round}`));
    }
    swapping?.kill();
    await swapping?.stdout.cancel();
    await swapping?.status;

    assertEquals(everything(victim), before);
    const kept = everything(outDir);
    assert(kept.every((text) => !text.includes(SECRET.trim())));
    // Some were copied, whatever was tried; and some could not.
    assert(kept.some((text) => text.endsWith("of the guest\n")));
    const swapped = [...Deno.readDirSync(`${machine.sharedDir}/away`)].length;
    assertLess(ROUNDS[who] / 5, swapped);
    for (const error of failures) {
      assert(error instanceof MachineError, String(error));
      assertMatch(
        error.message,
        /^Expected the file of a copy to stay in the shared directory, but tiny /,
      );
    }
    for (const path of [victim, host]) {
      await Deno.remove(path, { recursive: true });
    }
  });
}
