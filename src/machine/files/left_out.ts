/** How many names a warning lists for each reason. */
const SHOWN = 10;

/**
 * The reasons why a copy differs from its source, and the beginning of the
 * warning for each.
 */
const REASONS = {
  kind: "Only files, directories and links are copied; left out",
  name: "names that are not UTF-8 are left out",
  unreadable: "left out, because permission to read is missing",
  gone: "left out, because it was gone before it was read",
  shorter: "shorter than its reported size, and filled up with zeros",
  setuid: "copied without its setuid and setgid bits",
  attributes: "copied without its mode or time",
  guest: "the guest said",
};

/** A reason why a copy differs from its source. */
export type Reason = keyof typeof REASONS;

/**
 * Gets the name of something that a copy leaves out or changes. Without a
 * reason, it is no file, directory or link.
 */
export type LeaveOut = (name: string, reason?: Reason) => void;

/** Collects the names that one copy leaves out, for a single warning. */
export class LeftOut {
  readonly #seen = new Map<Reason, { names: string[]; count: number }>();

  /** Adds a name. */
  readonly add: LeaveOut = (name, reason = "kind") => {
    const seen = this.#seen.get(reason) ?? { names: [], count: 0 };
    this.#seen.set(reason, seen);
    // A name in a guest may look like a line of the log.
    if (seen.count++ < SHOWN) seen.names.push(name.replace(/[\r\n]/g, "␊"));
  };

  /** The warning, if the copy has left something out. */
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
