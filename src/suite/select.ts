import { UsageError } from "../errors.ts";
import { nearest } from "../report/mod.ts";
import type { PlannedTest } from "./planned_test.ts";
import { isBad, type SuiteResults } from "./results.ts";

/** Which tests of a suite are wanted. */
export interface Selection {
  /** Names, or globs of them: `*` is any text, `?` a character. None: all. */
  readonly names?: readonly string[];
  /** Tags, of which a test has to have one. None: all tests. */
  readonly tags?: readonly string[];
  /** The last results, of which only tests that did not pass are selected. */
  readonly last?: SuiteResults;
}

/**
 * Takes the tests that are wanted.
 *
 * @throws {UsageError} if a name, a tag or their combination selects no test.
 */
export function selectTests(
  tests: readonly PlannedTest[],
  { names = [], tags = [], last }: Selection,
): PlannedTest[] {
  const known = tests.map(({ name }) => name);
  const isNamed = names.map((name) => {
    const matches = matcherOf(name);
    if (known.some(matches)) return matches;
    const meant = nearest(name, known);
    throw new UsageError(
      `no test of the suite is named ${JSON.stringify(name)}` +
        (meant === undefined ? "" : `; did you mean ${meant}?`),
    );
  });
  const allTags = [...new Set(tests.flatMap((test) => test.tags))];
  for (const tag of tags) {
    if (allTags.includes(tag)) continue;
    const meant = nearest(tag, allTags);
    throw new UsageError(
      `no test of the suite has the tag ${JSON.stringify(tag)}` +
        (meant === undefined ? "" : `; did you mean ${meant}?`),
    );
  }
  const failed = last && new Set(
    last.tests.filter(({ verdict }) =>
      isBad(verdict) || verdict === "unfinished"
    ).map(({ name }) => name),
  );
  const selected = tests.filter((test) =>
    (isNamed.length === 0 || isNamed.some((matches) => matches(test.name))) &&
    (tags.length === 0 || tags.some((tag) => test.tags.includes(tag))) &&
    (failed?.has(test.name) ?? true)
  );
  if (selected.length > 0 || failed !== undefined) return selected;
  throw new UsageError(
    tests.length === 0
      ? "the suite has no tests"
      : "no test of the suite has both the names and the tags",
  );
}

/** Whether a pattern matches the name of a test, with or without its matrix. */
function matcherOf(glob: string): (name: string) => boolean {
  const source = glob.replace(
    /[*?\\^$.()[\]{}|+/]/g,
    (one) => one === "*" ? ".*" : one === "?" ? "." : `\\${one}`,
  );
  const pattern = new RegExp(`^${source}(?:\\[.*\\])?$`, "su");
  return (name) => name === glob || pattern.test(name);
}
