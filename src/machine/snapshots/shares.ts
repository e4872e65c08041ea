import { MachineError } from "../../errors.ts";
import { shellQuote } from "../../shell/mod.ts";
import type { MachineCore } from "../core.ts";
import { decode } from "../commands/output.ts";

/** Seconds that a guest may take to mount or unmount a share. */
const TIMEOUT = 60;

/** A share of the host that a guest has mounted. */
export interface Share {
  /** Its tag. */
  readonly tag: string;
  /** Its mount point. */
  readonly place: string;
  /** Its options for mount(8). */
  readonly options: string;
}

/**
 * The command that lists a guest's shares: their tags, mount points and
 * options.
 */
const LIST = "while read -r vw_tag vw_place vw_type vw_options _; do " +
  "[[ $vw_type != @(9p|virtiofs) ]] || " +
  'echo "$vw_tag $vw_place $vw_options"; ' +
  "done </proc/mounts";

/** Lists the shares over 9p and virtiofs that a guest has mounted. */
export async function mountedShares(core: MachineCore): Promise<Share[]> {
  const { stdout } = await core.run(LIST, { stderr: "merge" });
  return decode(stdout).split("\n").flatMap((line) => {
    const [tag, place, options] = line.split(" ").map(unescaped);
    return options === undefined ? [] : [{ tag, place, options }];
  });
}

/**
 * Unmounts a share in a guest.
 *
 * @throws {MachineError} if something in the guest uses it.
 */
export async function unmountShare(
  core: MachineCore,
  { tag, place }: Share,
): Promise<void> {
  const { status, stdout } = await core.run(
    // A process that has just been told to end may use it for a moment.
    `for _ in 1 2 3 4 5; do
  said=$(umount ${shellQuote(place)} 2>&1) && exit 0
  sleep 0.2
done
echo "$said"
exit 1`,
    { stderr: "merge", timeout: TIMEOUT },
  );
  if (status === 0) return;
  throw new MachineError(
    `${core.name} can't be saved while it uses ${place}, where the driver's ` +
      `share "${tag}" is mounted: ${decode(stdout).trim()}`,
  );
}

/**
 * Mounts a share at its old place.
 *
 * @throws {MachineError} if that fails.
 */
export async function mountShare(
  core: MachineCore,
  { tag, place, options }: Share,
): Promise<void> {
  const { status, stdout } = await core.run(
    `mount -t 9p -o ${shellQuote(options)} ${shellQuote(tag)} ${
      shellQuote(place)
    }`,
    { stderr: "merge", timeout: TIMEOUT },
  );
  if (status === 0) return;
  throw new MachineError(
    `${core.name} can't mount the driver's share "${tag}" at ${place} again: ${
      decode(stdout).trim()
    }`,
  );
}

/** Mounts the shares that are not mounted, by the guest's own program. */
export async function mountMissing(
  core: MachineCore,
  shares: readonly Share[],
): Promise<void> {
  const there = new Set(
    (await mountedShares(core)).map(({ place }) => place),
  );
  for (const share of shares) {
    if (!there.has(share.place)) await mountShare(core, share);
  }
}

/** Decodes a word of /proc/mounts, which has white space as octal numbers. */
function unescaped(word: string): string {
  return word.replace(
    /\\([0-7]{3})/g,
    (_, digits) => String.fromCharCode(parseInt(digits, 8)),
  );
}
