import { absolute, directoryOf } from "../paths.ts";
import { UsageError } from "../errors.ts";

/** What others than the owner may do with a directory, and that they may not remove its entries. */
const OTHERS_WRITE = 0o022, ANYBODY_WRITES = 0o002, STICKY = 0o1000;

/**
 * Makes a directory for files that the driver trusts, such as the sockets of a
 * QEMU, or takes the one that is there, where that is its own: in a place like
 * `/tmp`, a neighbour may have made it first, and reads and writes what is in it.
 *
 * @param path Where; directories on the way are made, too.
 * @throws {UsageError} where it is another user's, a link, or one that others
 * may write to, and where others may put another in its place.
 */
export function ownDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    // Of a link that leads nowhere, the sentence below says more.
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
  // Systems without users have no neighbours either.
  if (user === null || info.mode === null) return;
  if (info.uid !== user) refuse(`one of user ${info.uid}`);
  if ((info.mode & OTHERS_WRITE) !== 0) {
    refuse(`one that others may write to (mode ${octal(info.mode)})`);
  }
  const swappable = swappableAbove(path, user);
  if (swappable !== undefined) refuse(`one in ${swappable}`);
}

/**
 * Makes a directory for files that are meant to be found, where it is missing.
 *
 * @param path Where; directories on the way are made, too.
 * @throws {UsageError} where another user has made it, or something on the way to
 * it, in a place where everybody may do that.
 */
export function unclaimedDirectory(path: string): void {
  const user = Deno.uid();
  const refuse = (claimed: string) => {
    throw new UsageError(
      `Expected a directory for files at ${path} that no other user has made, ` +
        `got ${claimed}`,
    );
  };
  // What is there is looked at before anything is made below it.
  const parts = absolute(path).split("/").filter((part) => part !== "");
  for (let length = 1; length <= parts.length; length++) {
    const inner = `/${parts.slice(0, length).join("/")}`;
    const claimed = claimedBy(inner, user);
    if (claimed !== undefined) refuse(`${inner} of user ${claimed}`);
  }
  Deno.mkdirSync(path, { recursive: true });
}

/** The other user who made what is at a path where everybody may make something. */
function claimedBy(path: string, user: number | null): number | undefined {
  if (user === null) return undefined;
  try {
    const info = Deno.lstatSync(path);
    const parent = Deno.statSync(directoryOf(path));
    const isAnybodys = ((parent.mode ?? 0) & ANYBODY_WRITES) !== 0;
    // What is mounted there, nobody made there.
    const isMade = info.isSymlink || info.dev === parent.dev;
    const isOther = info.uid !== user && info.uid !== 0;
    return isAnybodys && isMade && isOther ? info.uid! : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** A directory above, in which others may put something in the path's place. */
function swappableAbove(path: string, user: number): string | undefined {
  const parts = Deno.realPathSync(path).split("/");
  const isAlone = hasAllUsers();
  for (let length = parts.length - 1; length > 0; length--) {
    const above = parts.slice(0, length).join("/") || "/";
    const { mode, uid } = Deno.statSync(above);
    const isOwn = uid === user;
    // Nobody else comes to what is below it.
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
 * Whether the driver sees every user of the host. In a user namespace, as a
 * sandbox has, those it does not see look all the same, root too.
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
