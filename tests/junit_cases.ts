/** A test that ran, as a JUnit file has it. */
export interface JunitCase {
  readonly name: string;
  /** The test's file. */
  readonly file: string;
  readonly seconds: number;
  readonly outcome: "passed" | "failed" | "ignored";
  /** What Deno said of its failure. */
  readonly failure?: string;
}

/**
 * The tests of a JUnit file that `deno test` wrote. One whose steps failed is left
 * out: they are cases themselves.
 */
export function junitCases(xml: string): JunitCase[] {
  const cases: JunitCase[] = [];
  for (const [testCase] of xml.matchAll(/<testcase [^]*?<\/testcase>/g)) {
    if (/<failure message="\d+ test steps? failed">/.test(testCase)) continue;
    const text = (pattern: RegExp) =>
      (pattern.exec(testCase)?.[1] ?? "").replace(
        /&(lt|gt|quot|apos|amp|#x[0-9a-f]+|#\d+);/gi,
        (_, name: string) => entity(name),
      );
    const failed = testCase.includes("<failure ");
    cases.push({
      name: text(/ name="([^"]*)"/),
      file: text(/ classname="([^"]*)"/),
      seconds: Number(text(/ time="([^"]*)"/)),
      outcome: testCase.includes("<skipped/>")
        ? "ignored"
        : failed
        ? "failed"
        : "passed",
      ...failed && { failure: text(/<failure [^>]*>([^]*?)<\/failure>/) },
    });
  }
  return cases;
}

function entity(name: string): string {
  if (name.startsWith("#x")) {
    return String.fromCodePoint(parseInt(name.slice(2), 16));
  }
  if (name.startsWith("#")) return String.fromCodePoint(Number(name.slice(1)));
  return { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" }[name]!;
}
