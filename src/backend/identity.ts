import { StartFailure } from "./start_failure.ts";

/**
 * The properties of a hypervisor and its guest that a saved state depends on. A
 * NUL stands between parts of a long one, of which a message names those that
 * differ.
 */
export type Identity = Readonly<Record<string, string>>;

/**
 * Demands that a machine has the identity of the saved one.
 *
 * @throws {MachineError} if it has not.
 */
export function demandSame(
  saved: Identity,
  now: Identity,
  machine: string,
): void {
  for (const [what, was] of Object.entries(saved)) {
    const is = now[what];
    if (is === was) continue;
    throw new StartFailure(
      `${machine} can't go on from the snapshot, which was taken of another ` +
        `machine: its ${what} is ${difference(was, is)}`,
    );
  }
}

/** What the host's kernel calls its processor. */
export function hostProcessor(): string {
  const text = Deno.readTextFileSync("/proc/cpuinfo");
  return /^(?:model name|CPU part)\s*:\s*(.*)$/m.exec(text)?.[1] ?? "unknown";
}

/** The difference of two texts, which may be long. */
function difference(was: string, is: string = "unknown"): string {
  const before = was.split("\0"), now = is.split("\0");
  if (before.length === 1 && now.length === 1) return `${is}, and was ${was}`;
  const added = now.filter((word) => !before.includes(word));
  const gone = before.filter((word) => !now.includes(word));
  const quoted = (words: string[]) =>
    words.length === 0 ? "nothing" : `\`${words.join(" ")}\``;
  return `another: it has ${quoted(added)} where the saved one had ${
    quoted(gone)
  }`;
}
