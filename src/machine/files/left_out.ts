/** Names that a warning shows of each reason. */
const SHOWN = 10;

/** Why a copy is not the whole of its source, and how a warning begins that says so. */
const REASONS = {
  kind: "Only files, directories and links are copied; left out",
  name: "names that are not UTF-8 are left out",
  unreadable: "what may not be read is left out",
  gone: "left out, as it was gone when it was to be read",
  shorter: "shorter than it said, and filled up with zeros",
  setuid: "copied without its setuid and setgid bits",
  attributes: "copied without its mode or time",
  guest: "the guest said",
};

/** Why something of a source is not in its copy as it was. */
export type Reason = keyof typeof REASONS;

/**
 * Is told the name of what a copy does not take, or takes with a change; what
 * is no file, directory or link where no reason is given.
 */
export type LeaveOut = (name: string, reason?: Reason) => void;

/** What one copy leaves out, for a single warning. */
export class LeftOut {
  readonly #seen = new Map<Reason, { names: string[]; count: number }>();

  /** Takes one more name. */
  readonly add: LeaveOut = (name, reason = "kind") => {
    const seen = this.#seen.get(reason) ?? { names: [], count: 0 };
    this.#seen.set(reason, seen);
    if (seen.count++ < SHOWN) seen.names.push(name);
  };

  /** The warning, where something was left out. */
  get warning(): string | undefined {
    if (this.#seen.size === 0) return undefined;
    const parts = Array.from(
      this.#seen,
      ([reason, { names, count }]) =>
        `${REASONS[reason]}: ${names.join(", ")}` +
        (count > names.length ? ` and ${count - names.length} more` : ""),
    );
    const text = parts.join("; ");
    return text[0].toUpperCase() + text.slice(1);
  }
}
