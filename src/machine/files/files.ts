import { absolute, baseName, directoryOf } from "../../paths.ts";
import { MachineError, TestFailure, UsageError } from "../../errors.ts";
import { type RunResult, shellQuote } from "../../shell/mod.ts";
import { writeAllSync } from "../../stream/mod.ts";
import type { MachineCore } from "../core.ts";
import { framed, UNFRAME } from "./framed.ts";
import { HostFile } from "./host_file.ts";
import { type LeaveOut, LeftOut } from "./left_out.ts";
import { demand } from "../commands/demand.ts";
import { decode, lastLines } from "../commands/output.ts";
import { SharedFile } from "./shared_file.ts";
import { storable } from "./storable.ts";
import { isSymlink, makeRoom } from "./entry.ts";
import { archive } from "./tar/archive.ts";
import { Unarchiver } from "./tar/unarchiver.ts";

/**
 * Exit statuses by which the driver's own commands refuse to copy, and their
 * reasons.
 */
const NOT_SHARED = 77, DIRECTORY = 78, NO_FILE = 79;
/** The mode and the time of a file, as a guest tells them. */
const FACTS = /^([0-7]{1,7}) (-?\d+)\n/m;
/** How many bytes of tar's complaints the driver keeps. */
const MOST_COMPLAINTS = 64 * 1024;

/** Logs a step that copies, and warns about things that the copy leaves out. */
function copying(
  core: MachineCore,
  what: string,
  copy: (leaveOut: LeaveOut) => Promise<void>,
): Promise<void> {
  return core.nested(`copying ${what}`, async () => {
    const leftOut = new LeftOut();
    try {
      await copy(leftOut.add);
    } finally {
      const { warning } = leftOut;
      if (warning !== undefined) core.log.warning(warning, core.attributes);
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
    if (isDirectory) return await sendTree(core, source, target, leaveOut);
    using file = await openFile(core, source);
    if (!await sendThroughShare(core, file, source, target, leaveOut)) {
      await sendFile(core, file, source, target, leaveOut);
    }
  });
}

/** See {@linkcode BaseMachine.copyFromHostViaShell}. */
export function copyFromHostViaShell(
  core: MachineCore,
  source: string,
  target: string,
): Promise<void> {
  return copying(
    core,
    `${source} to ${target} via the shell`,
    async (leaveOut) => {
      using file = await openFile(core, source);
      await sendFile(core, file, source, target, leaveOut);
    },
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
    if (["", ".", ".."].includes(name)) {
      throw new UsageError(
        `Expected a path in ${core.name} that ends in a name, got ${source}`,
      );
    }
    const directory = absolute(targetDir, core.context.outDir);
    refuseLinks(core, directory);
    const target = `${directory}/${name}`;
    refuseOwn(core, target);
    await Deno.mkdir(directory, { recursive: true });
    await receive(core, source, target, leaveOut);
    core.log.fileCopied(core.label, target);
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
 * Makes sure that a file which is about to be written below the output directory
 * gets there: a tree that was copied from a guest may have a link in its place.
 *
 * @throws {UsageError} if the way to it leads through a link.
 */
export function claimPlace(core: MachineCore, path: string): void {
  refuseLinks(core, directoryOf(path));
  const isBelow = path.startsWith(`${core.context.outDir}/`);
  if (isBelow && isSymlink(path)) makeRoom(path);
}

/**
 * A file that was copied from a guest before may be a link to anywhere.
 *
 * @throws {UsageError} if the way from the output directory to `directory`
 * leads through a link.
 */
function refuseLinks(core: MachineCore, directory: string): void {
  const { outDir } = core.context;
  if (!directory.startsWith(`${outDir}/`)) return;
  let path = outDir;
  for (const part of directory.slice(outDir.length + 1).split("/")) {
    path += `/${part}`;
    if (!isSymlink(path)) continue;
    throw new UsageError(
      `Expected a directory below the output directory, got ${path}, which is ` +
        "a link",
    );
  }
}

function share(core: MachineCore): SharedFile {
  return new SharedFile(
    core.context.sharedDir,
    core.name,
    (text) => core.log.warning(text, core.attributes),
  );
}

/** Ends a command if the guest does not see a file of the shared directory. */
function unlessShared({ guestPath }: SharedFile): string {
  return `[ -f ${guestPath} ] || exit ${NOT_SHARED}`;
}

/**
 * Whether the guest sees the files in the shared directory. This uses a new
 * file: a guest may cache the length of a file for a second.
 */
async function isShared(core: MachineCore): Promise<boolean> {
  using file = share(core);
  const { status } = await core.run(unlessShared(file));
  return status !== NOT_SHARED;
}

/** @param what What was to be copied where. */
function failed(
  what: string,
  { status, stdout, stderr }: RunResult,
): TestFailure {
  return new TestFailure(
    `copying ${what} failed (exit code ${status})` +
      lastLines(decode(stdout).replace(FACTS, "") + decode(stderr)),
  );
}

/** @throws {UsageError} if it is no file. */
async function openFile(core: MachineCore, source: string): Promise<HostFile> {
  if ((await Deno.stat(source)).isFile) return await HostFile.open(source);
  throw new UsageError(
    `Expected a file to copy into ${core.name}, got ${source}, which is not a file`,
  );
}

/**
 * Commands that find the place of a copy in the guest as cp does: in the target
 * if that is a directory, or ends in a slash.
 */
function filePlace(source: string, target: string): string[] {
  return [
    `vw_target=${shellQuote(target)}`,
    ...(target.endsWith("/") ? ['mkdir -p -- "$vw_target"'] : []),
    `[ ! -d "$vw_target" ] || vw_target=\${vw_target%/}/${
      shellQuote(baseName(source))
    }`,
    'case $vw_target in */*) [ -d "${vw_target%/*}/" ] || ' +
    'mkdir -p -- "${vw_target%/*}" ;; esac',
  ];
}

/** A command that sets the target's mode and time, or reports that it can't. */
function giveAttributes(file: HostFile, time: string): string {
  const mode = file.mode.toString(8).padStart(4, "0");
  // Some file systems have neither, and a device keeps its own.
  return `[ ! -f "$vw_target" ] || { chmod ${mode} "$vw_target" && ` +
    `touch ${time} "$vw_target"; } 2>/dev/null || echo attributes`;
}

/** Whether the guest has the shared directory. */
async function sendThroughShare(
  core: MachineCore,
  file: HostFile,
  source: string,
  target: string,
  leaveOut: LeaveOut,
): Promise<boolean> {
  if (!await isShared(core)) return false;
  using shared = share(core);
  await shared.write(file.bytes());
  shared.setTime(file.time);
  const command = [
    ...filePlace(source, target),
    `cp -- ${shared.guestPath} "$vw_target"`,
    giveAttributes(file, `-r ${shared.guestPath}`),
  ].join("\n");
  const result = await core.run(command, { stderr: "merge" });
  // If the guest does not have it, that is why a command failed.
  shared.check();
  sent(result, file, source, target, leaveOut);
  return true;
}

async function sendFile(
  core: MachineCore,
  file: HostFile,
  source: string,
  target: string,
  leaveOut: LeaveOut,
): Promise<void> {
  const command = [
    ...filePlace(source, target),
    `head -c ${file.size} >"$vw_target"`,
    giveAttributes(file, `-d @${file.time}`),
  ].join("\n");
  const result = await core.run(command, {
    stderr: "merge",
    stdin: file.bytes(),
  });
  sent(result, file, source, target, leaveOut);
}

/** Checks the result of a command that has received a file. */
function sent(
  result: RunResult,
  file: HostFile,
  source: string,
  target: string,
  leaveOut: LeaveOut,
): void {
  if (result.status !== 0) throw failed(`${source} to ${target}`, result);
  if (file.missing > 0) leaveOut(source, "shorter");
  if (result.stdout.length > 0) leaveOut(target, "attributes");
}

async function sendTree(
  core: MachineCore,
  source: string,
  target: string,
  leaveOut: LeaveOut,
): Promise<void> {
  const { status } = await core.run("command -v tar >/dev/null");
  if (status !== 0) throw needsTar(core);
  const place = [
    `vw_target=${shellQuote(target)}`,
    // cp does the same.
    `[ ! -d "$vw_target" ] || vw_target=\${vw_target%/}/${
      shellQuote(baseName(source))
    }`,
    'mkdir -p -- "$vw_target"',
  ];
  const bytes = archive(source, ".", leaveOut);
  const run = async (command: string, stdin?: AsyncIterable<Uint8Array>) => {
    const result = await core.run(command, { stderr: "merge", stdin });
    if (result.status !== 0) throw failed(`${source} to ${target}`, result);
  };
  // Over the console, the driver would have to read the whole tree first.
  if (!core.running().shell.hasPorts) {
    if (await isShared(core)) {
      using shared = share(core);
      await shared.write(bytes);
      const unpack = `tar -x -p -f ${shared.guestPath} -C "$vw_target"`;
      await run([...place, unpack].join("\n")).finally(() => shared.check());
      return;
    }
  }
  let failure: { error: unknown } | undefined;
  await run(
    [...place, UNFRAME, 'vw_unframe | tar -x -p -C "$vw_target"'].join("\n"),
    framed(bytes, (error) => failure = { error }),
  );
  if (failure !== undefined) throw failure.error;
}

function needsTar(core: MachineCore): MachineError {
  return new MachineError(
    `Copying a directory needs tar in the guest, and ${core.name} has none`,
  );
}

async function receive(
  core: MachineCore,
  source: string,
  target: string,
  leaveOut: LeaveOut,
): Promise<void> {
  using shared = share(core);
  const command = [
    `vw_source=${shellQuote(source)}`,
    `[ ! -d "$vw_source" ] || exit ${DIRECTORY}`,
    `[ -f "$vw_source" ] || [ ! -e "$vw_source" ] || exit ${NO_FILE}`,
    'stat -L -c "%a %Y" -- "$vw_source" 2>/dev/null || :',
    unlessShared(shared),
    `cp -- "$vw_source" ${shared.guestPath}`,
  ].join("\n");
  const result = await core.run(command, { stderr: "merge" });
  const [, mode, time] = FACTS.exec(decode(result.stdout)) ?? [];
  const receiver = (): Receiver => {
    const facts = mode === undefined
      ? undefined
      : { mode: parseInt(mode, 8), time: storable(Number(time)) };
    return new Receiver(source, target, leaveOut, facts);
  };
  switch (result.status) {
    case DIRECTORY:
      return await receiveTree(core, shared, source, target, leaveOut);
    case NO_FILE:
      throw new UsageError(
        `Expected a file or a directory of ${core.name} to copy, got ` +
          `${source}, which is neither`,
      );
    case NOT_SHARED: {
      using file = receiver();
      const cat = `cat -- ${shellQuote(source)}`;
      await demand(core, cat, {
        stderr: "serial",
        onStdout: (chunk) => file.push(chunk),
      });
      return file.end();
    }
  }
  shared.check();
  if (result.status !== 0) throw failed(`${source} to the host`, result);
  using file = receiver();
  for await (const chunk of shared.bytes()) file.push(chunk);
  file.end();
}

/** A file that comes from the guest. */
class Receiver implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #time?: number;

  constructor(
    source: string,
    target: string,
    leaveOut: LeaveOut,
    facts?: { mode: number; time: number },
  ) {
    // A link that a guest has made may lead anywhere on the host.
    makeRoom(target);
    this.#file = Deno.openSync(target, { write: true, createNew: true });
    if (facts === undefined) return;
    this.#time = facts.time;
    if ((facts.mode & 0o6000) !== 0) leaveOut(source, "setuid");
    Deno.chmodSync(target, facts.mode & 0o1777);
  }

  push(chunk: Uint8Array): void {
    writeAllSync(this.#file, chunk);
  }

  end(): void {
    if (this.#time !== undefined) this.#file.utimeSync(this.#time, this.#time);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

async function receiveTree(
  core: MachineCore,
  shared: SharedFile,
  source: string,
  target: string,
  leaveOut: LeaveOut,
): Promise<void> {
  const isOnPort = core.running().shell.hasPorts ||
    !await isShared(core);
  const command = [
    `command -v tar >/dev/null || exit ${NOT_SHARED}`,
    `cd -P -- ${shellQuote(source)} >/dev/null`,
    // The files in /proc and /sys report a wrong size, which tar believes.
    "case $PWD/ in /proc/* | /sys/*)",
    "vw_copy=$(mktemp -d)",
    `trap 'rm -rf -- "$vw_copy"' EXIT`,
    'cp -a . "$vw_copy" || :',
    'cd "$vw_copy"',
    "esac",
    `tar -c ${isOnPort ? "" : `-f ${shared.guestPath} `}.`,
  ].join("\n");
  const pathOf = (name: string) =>
    `${source.replace(/\/+$/, "")}/${name.replace(/^\.\//, "")}`;
  using files = new Unarchiver(
    target,
    (name, reason) => leaveOut(pathOf(name), reason),
  );
  let complaints = new Uint8Array(0);
  const result = await core.run(command, {
    stderr: "separate",
    onStdout: (chunk) => files.take(chunk.slice()),
    onStderr: (chunk) => {
      if (complaints.length > MOST_COMPLAINTS) return;
      complaints = Uint8Array.from([...complaints, ...chunk]);
    },
  });
  if (result.status === NOT_SHARED) throw needsTar(core);
  if (!isOnPort) shared.check();
  const isUsable = heed(decode(complaints), source, leaveOut);
  if (result.status > (isUsable ? 1 : 0)) {
    throw failed(`${source} to the host`, { ...result, stderr: complaints });
  }
  if (!isOnPort) {
    for await (const chunk of shared.bytes()) await files.take(chunk);
  }
  await files.end();
}

/** Matches tar's message about a file that is not in the copy as it was. */
const COMPLAINT = new RegExp(
  "^\\S*tar: (?:\\./)?(.*): (?:(socket ignored)|" +
    "(File removed before we read it)|(File shrank by .*)|" +
    "file changed as we read it)$",
);

/**
 * Reads tar's messages about a tree that the guest sends. Returns whether they
 * only say that files have changed meanwhile, as files in use do.
 */
function heed(text: string, source: string, leaveOut: LeaveOut): boolean {
  let isUsable = true;
  for (const line of text.split("\n").filter((line) => line !== "")) {
    const found = COMPLAINT.exec(line);
    if (found === null) {
      isUsable = isUsable && line.startsWith("cp: ");
      leaveOut(line, "guest");
      continue;
    }
    const [, name, socket, removed, shrunk] = found;
    const path = `${source.replace(/\/+$/, "")}/${name}`;
    if (socket) leaveOut(path);
    else if (removed) leaveOut(path, "gone");
    else if (shrunk) leaveOut(path, "shorter");
  }
  return isUsable;
}
