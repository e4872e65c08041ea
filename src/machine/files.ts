import { removeTree, shellQuote } from "../backend/mod.ts";
import { MachineError, UsageError } from "../report/mod.ts";
import type { MachineCore } from "./core.ts";
import { baseName } from "./paths.ts";
import {
  Archive,
  content,
  isSymlink,
  type LeaveOut,
  makeRoom,
  Unarchiver,
} from "./tar.ts";
import { enter, lookThrough, type Within } from "./through_links.ts";

/** What a command of ours answers where the guest lacks the shared directory. */
const NOT_SHARED = 77;

/** A step that copies, and warns of what it leaves out. */
function copying(
  core: MachineCore,
  what: string,
  copy: (leaveOut: LeaveOut) => Promise<void>,
): Promise<void> {
  return core.nested(`copying ${what}`, async () => {
    let first: string | undefined;
    let count = 0;
    try {
      await copy((name) => {
        first ??= name;
        count++;
      });
    } finally {
      if (first !== undefined) {
        core.log.warning(
          "Only files, directories and links are copied; left out: " + first +
            (count > 1 ? ` and ${count - 1} more` : ""),
          core.attributes,
        );
      }
    }
  });
}

/** See {@linkcode BaseMachine.copyFromHost}. */
export function copyFromHost(
  core: MachineCore,
  source: string,
  target: string,
): Promise<void> {
  return copying(core, `${source} to ${target}`, async (leaveOut) => {
    const { isDirectory } = await Deno.stat(source);
    const isPacked = isDirectory && await hasTar(core);
    // Each file that is shared costs the guest more than its bytes.
    if (isPacked && core.running().shell.hasPorts) {
      return await sendTree(core, source, target, leaveOut);
    }
    const name = isPacked ? "tree.tar" : baseName(source);
    const shared = await withSharedDirectory(core, async (host, guest) => {
      if (isPacked) {
        const archive = await Archive.of(source, "tree", leaveOut);
        const bytes = ReadableStream.from(archive.bytes());
        await Deno.writeFile(`${host}/${name}`, bytes);
        return unpack(source, target, `tar -x -f ${guest}/${name}`);
      }
      await copyTree(source, `${host}/${name}`, leaveOut, []);
      return `${makeParent(target)}; cp -r -- ${
        shellQuote(`${guest}/${name}`)
      } ${shellQuote(target)}`;
    }, () => Promise.resolve());
    if (shared) return;
    if (isPacked) await sendTree(core, source, target, leaveOut);
    else if (!isDirectory) await sendFile(core, source, target);
    else {
      throw new MachineError(
        `Copying a tree into ${core.name} takes the shared directory or tar ` +
          "in the guest, which has neither",
      );
    }
  });
}

/** See {@linkcode BaseMachine.copyFromHostViaShell}. */
export function copyFromHostViaShell(
  core: MachineCore,
  source: string,
  target: string,
): Promise<void> {
  return core.nested(
    `copying ${source} to ${target} via the shell`,
    () => sendFile(core, source, target),
  );
}

/** See {@linkcode BaseMachine.copyFromMachine}. */
export function copyFromMachine(
  core: MachineCore,
  source: string,
  targetDir: string,
): Promise<void> {
  return copying(core, `${source} to the host`, async (leaveOut) => {
    const name = baseName(source);
    const directory = targetDir.startsWith("/")
      ? targetDir
      : [core.context.outDir, targetDir].filter(Boolean).join("/");
    const target = `${directory}/${name}`;
    refuseOwn(core, target);
    await Deno.mkdir(directory, { recursive: true });
    const shared = await withSharedDirectory(
      core,
      (_, guest) =>
        Promise.resolve(
          `cp -rH -- ${shellQuote(source)} ${shellQuote(`${guest}/${name}`)}`,
        ),
      (host) => copyTree(`${host}/${name}`, target, leaveOut),
    );
    if (!shared) await receive(core, source, target, leaveOut);
    core.log.fileCopied(core.name, target);
  });
}

/** @throws {UsageError} for a file of the host that the run itself writes. */
export function refuseOwn(core: MachineCore, path: string): void {
  if (!core.log.writes(path)) return;
  throw new UsageError(
    `Expected a file that is not the run's own log or report, got ${path}`,
  );
}

/**
 * Runs a command of the guest between two things on the host, in a new
 * directory that both share; answers whether they do.
 */
async function withSharedDirectory(
  core: MachineCore,
  before: (host: string, guest: string) => Promise<string>,
  after: (host: string) => Promise<void>,
): Promise<boolean> {
  await core.ready();
  const host = await Deno.makeTempDir({ dir: core.context.sharedDir });
  const guest = `/tmp/shared/${baseName(host)}`;
  try {
    const { status } = await core.run(
      `[ -d ${guest} ] || exit ${NOT_SHARED}`,
    );
    if (status === NOT_SHARED) return false;
    await core.demand(await before(host, guest));
    await after(host);
    return true;
  } finally {
    try {
      removeTree(host);
    } catch (error) {
      // It goes with the run.
      core.log.warning(
        `${host} can't be removed yet: ${(error as Error).message}`,
        core.attributes,
      );
    }
  }
}

async function sendFile(
  core: MachineCore,
  source: string,
  target: string,
): Promise<void> {
  const { size, mode, isFile } = await Deno.stat(source);
  if (!isFile) {
    throw new UsageError(
      `Expected a file to copy into ${core.name}, got ${source}, which is none`,
    );
  }
  const chmod = mode === null
    ? ":"
    : `chmod ${(mode & 0o7777).toString(8)} ${shellQuote(target)}`;
  await core.demand(
    `${makeParent(target)}; head -c ${size} >${shellQuote(target)}; ${chmod}`,
    { stdin: content(source, size) },
  );
}

async function sendTree(
  core: MachineCore,
  source: string,
  target: string,
  leaveOut: LeaveOut,
): Promise<void> {
  const archive = await Archive.of(source, "tree", leaveOut);
  await core.demand(
    unpack(source, target, `head -c ${archive.size} | tar -x`),
    { stdin: archive.bytes() },
  );
}

/**
 * Unpacks an archive of a tree in the guest, as `cp -r` would copy the tree:
 * into the target where that is a directory already.
 */
function unpack(source: string, target: string, tar: string): string {
  return [
    `vw_target=${shellQuote(target)}`,
    `[ -d "$vw_target" ] && vw_target=$vw_target/${
      shellQuote(baseName(source))
    }`,
    'mkdir -p -- "$vw_target"',
    `${tar} -C "$vw_target" --strip-components=1`,
  ].join("\n");
}

async function hasTar(core: MachineCore): Promise<boolean> {
  await core.ready();
  const { status } = await core.run("command -v tar >/dev/null");
  return status === 0;
}

async function receive(
  core: MachineCore,
  source: string,
  target: string,
  leaveOut: LeaveOut,
): Promise<void> {
  const path = shellQuote(source);
  const { status } = await core.run(`[ -d ${path} ]`);
  if (status === 0) {
    using files = new Unarchiver(target, leaveOut);
    await core.demand(
      `tar -c -C ${path} .`,
      { stderr: "serial", onStdout: (chunk) => files.push(chunk) },
    );
    return;
  }
  // One that a guest made leads anywhere on the host.
  if (isSymlink(target)) makeRoom(target);
  using file = await Deno.open(target, {
    write: true,
    create: true,
    truncate: true,
  });
  await core.demand(`cat -- ${path}`, {
    stderr: "serial",
    onStdout: (chunk) => {
      for (let offset = 0; offset < chunk.length;) {
        offset += file.writeSync(chunk.subarray(offset));
      }
    },
  });
}

function makeParent(path: string): string {
  const parent = path.replace(/\/*$/, "").replace(/[^/]*$/, "") || ".";
  return `mkdir -p -- ${shellQuote(parent)}`;
}

/**
 * Copies a file or a tree on the host, with modes, in the place of older ones.
 *
 * @param within Follows links, in a walk that is in these directories. Without,
 * links stay links: what a guest made lead somewhere on the host is not read.
 */
async function copyTree(
  source: string,
  target: string,
  leaveOut: LeaveOut,
  within?: Within,
): Promise<void> {
  const info = await (within ? lookThrough : Deno.lstat)(source);
  if (info.isDirectory) {
    const inside = within && enter(source, info, within);
    if (isSymlink(target)) makeRoom(target);
    await Deno.mkdir(target, { recursive: true });
    // One that was copied before may not let its owner write to it.
    await Deno.chmod(target, 0o700);
    for await (const { name } of Deno.readDir(source)) {
      await copyTree(
        `${source}/${name}`,
        `${target}/${name}`,
        leaveOut,
        inside,
      );
    }
    if (info.mode !== null) await Deno.chmod(target, info.mode & 0o7777);
  } else if (info.isSymlink || info.isFile) {
    makeRoom(target);
    if (info.isFile) await Deno.copyFile(source, target);
    else await Deno.symlink(await Deno.readLink(source), target);
  } else leaveOut(source);
}
