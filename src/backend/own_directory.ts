import { absolute, directoryOf } from "../paths.ts";
import { UsageError } from "../errors.ts";

/**
 * Bits of a directory's mode: group and others may write; others may write;
 * only owners may remove entries.
 */
const OTHERS_WRITE = 0o022, ANYBODY_WRITES = 0o002, STICKY = 0o1000;

/**
 * Makes a directory for files that the driver trusts, such as QEMU's sockets,
 * or uses an existing one if it belongs to the driver's user. In a place like
 * `/tmp`, a neighbour may have made the directory first, to read and write the
 * files in it.
 *
 * @param path The path. This also makes the directories above it.
 * @throws {UsageError} if the directory belongs to another user, is a link, if
 * others may write to it, or if others may put another directory in its place.
 */
export function ownDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    // For a link that leads nowhere, the message below is better.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const info = Deno.lstatSync(path);
  const user = Deno.uid();
  const refuse = (got: string) => {
    throw new UsageError(
      `Expected a directory that no other user can change at ${path}, got ${got}`,
    );
  };
  if (info.isSymlink) refuse("a link");
  if (!info.isDirectory) refuse("something else");
  if (info.uid !== user) refuse(`one of user ${info.uid}`);
  if ((info.mode! & OTHERS_WRITE) !== 0) {
    refuse(`one that others may write to (mode ${octal(info.mode!)})`);
  }
  const swappable = swappableAbove(path, user);
  if (swappable !== undefined) refuse(`one in ${swappable}`);
}

/**
 * Makes a directory for files that other users may read, if it is missing.
 *
 * @param path Where; directories on the way are made, too.
 * @throws {UsageError} if another user has made it, or something above it, in a
 * place where everybody may write.
 */
export function unclaimedDirectory(path: string): void {
  const user = Deno.uid();
  const refuse = (claimed: string) => {
    throw new UsageError(
      `Expected a directory for files at ${path} that no other user has made, ` +
        `got ${claimed}`,
    );
  };
  // This looks at existing directories before it makes anything below them.
  const parts = absolute(path).split("/").filter((part) => part !== "");
  for (let length = 1; length <= parts.length; length++) {
    const inner = `/${parts.slice(0, length).join("/")}`;
    const claimed = claimedBy(inner, user);
    if (claimed !== undefined) refuse(`${inner} of user ${claimed}`);
  }
  Deno.mkdirSync(path, { recursive: true });
}

/**
 * The other user who has made the entry at a path, if everybody may make
 * entries there.
 */
function claimedBy(path: string, user: number | null): number | undefined {
  try {
    const info = Deno.lstatSync(path);
    const parent = Deno.statSync(directoryOf(path));
    const isAnybodys = (parent.mode! & ANYBODY_WRITES) !== 0;
    // Nobody has made a mounted directory there.
    const isMade = info.isSymlink || info.dev === parent.dev;
    const isOther = info.uid !== user && info.uid !== 0;
    return isAnybodys && isMade && isOther ? info.uid! : undefined;
  } catch {
    // There is nothing, or mkdir says below why nobody can look at it.
    return undefined;
  }
}

/** Finds a directory above a path in which others may replace the next one. */
function swappableAbove(
  path: string,
  user: number | null,
): string | undefined {
  const parts = Deno.realPathSync(path).split("/");
  const isAlone = hasAllUsers();
  for (let length = parts.length - 1; length > 0; length--) {
    const above = parts.slice(0, length).join("/") || "/";
    const { mode, uid } = Deno.statSync(above);
    const isOwn = uid === user;
    // Nobody else can enter this directory.
    if (isOwn && (mode! & 0o077) === 0) return undefined;
    if ((mode! & ANYBODY_WRITES) !== 0 && (mode! & STICKY) === 0) {
      return `${above}, which anybody may write to (mode ${octal(mode!)})`;
    }
    if (!isOwn && uid !== 0 && isAlone) {
      return `${above}, which is user ${uid}'s`;
    }
  }
}

/**
 * Whether the driver sees all users of the host. In a user namespace, as in a
 * sandbox, all users that it does not see look the same, even root.
 */
function hasAllUsers(): boolean {
  try {
    const map = Deno.readTextFileSync("/proc/self/uid_map");
    return /^\s*0\s+0\s+4294967295\s*$/.test(map);
  } catch {
    return Deno.build.os !== "linux";
  }
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}
