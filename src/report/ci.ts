/** The CI system whose groups and annotations a log has. */
export type Ci = "github" | "gitlab";

/** How a system of continuous integration shows a log. */
export interface CiMarkup {
  /** The line that begins a group of lines that can be folded. */
  beginGroup(id: number, title: string): string;
  /** The line that ends the group. */
  endGroup(id: number): string;
  /** A failure beside its line; nothing if the system has no such markup. */
  annotation(failure: Annotation): string;
  /** A line of the log, changed so that it is no markup of the system's. */
  guard(line: string): string;
}

/** A failure to show beside a line of the author's. */
export interface Annotation {
  /** What failed. */
  readonly title: string;
  /** Why. */
  readonly message: string;
  /** The file, relative to the working directory, if known. */
  readonly file?: string;
  /** The line in it. */
  readonly line?: number;
}

/**
 * The system that runs the program, as its environment says.
 *
 * @param environment Where variables are looked up.
 */
export function ciOf(
  environment: { get(name: string): string | undefined },
): Ci | undefined {
  if (environment.get("GITHUB_ACTIONS") === "true") return "github";
  if (environment.get("GITLAB_CI") === "true") return "gitlab";
}

/** Escapes the text after a workflow command's last colons. */
function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D")
    .replaceAll("\n", "%0A");
}

/** Escapes the value of a workflow command's property. */
function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/**
 * GitHub's workflow commands. The runner takes a line for a command if it
 * begins with two colons, also after white space, or has `##[` anywhere. No
 * other line may look so.
 */
const github: CiMarkup = {
  beginGroup: (_, title) => `::group::${escapeData(title)}\n`,
  endGroup: () => "::endgroup::\n",
  annotation: ({ title, message, file, line }) => {
    const properties = [
      ...file === undefined ? [] : [`file=${escapeProperty(file)}`],
      ...line === undefined ? [] : [`line=${line}`],
      `title=${escapeProperty(title)}`,
    ];
    return `::error ${properties.join(",")}::${escapeData(message)}\n`;
  },
  guard: (line) =>
    line.replace(/^(\s*):(?=:)/gm, "$1: ").replaceAll("##[", "# #["),
};

/**
 * GitLab's sections, whose markers have a control sequence, which no other line
 * has.
 */
const gitlab: CiMarkup = {
  beginGroup: (id, title) =>
    `\x1b[0Ksection_start:${now()}:vmwright_${id}[collapsed=true]\r\x1b[0K${
      title.replaceAll("\n", " ")
    }\n`,
  endGroup: (id) => `\x1b[0Ksection_end:${now()}:vmwright_${id}\r\x1b[0K\n`,
  annotation: () => "",
  guard: (line) => line,
};

/** The markup of each system. */
export const markups: Record<Ci, CiMarkup> = { github, gitlab };

/** What Azure Pipelines and TeamCity take for a command, anywhere in a line. */
const foreign = /##(?=(?:vso|teamcity)\[)/g;

/**
 * Changes text that others have written so that a system of continuous
 * integration takes none of it for its markup.
 *
 * @param text Lines for the program's log.
 * @param markup That of the system that runs the program, if it is known.
 */
export function guarded(text: string, markup?: CiMarkup): string {
  const plain = text.replace(foreign, "# #");
  return markup === undefined ? plain : markup.guard(plain);
}

/** The same for the system that the environment names. */
export function guardedHere(text: string): string {
  const ci = ciOf(Deno.env);
  return guarded(text, ci && markups[ci]);
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
