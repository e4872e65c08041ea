import type { TestVerdict } from "../../src/suite/results.ts";

/** A test of a suite that needs no machine. */
export interface TwentyTest {
  readonly name: string;
  /** Its script, in TypeScript. `attempt` in it counts from 1. */
  readonly script: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly retries?: number;
  /** What comes of it. */
  readonly verdict: TestVerdict;
}

/** The number of the attempt, by the directory that it leaves things in. */
const attempt =
  `const [, attempt = "1"] = /\\/(\\d+)$/.exec(driver.outDir) ?? [];`;

/** Twenty tests, of every way in which one can end. */
export const twentyTests: readonly TwentyTest[] = [
  ...Array.from({ length: 15 }, (_, i): TwentyTest => ({
    name: `green ${i + 1}`,
    script: "",
    verdict: "passed",
  })),
  {
    name: "red",
    script: "assertEquals(6 * 7, 43);",
    verdict: "failed",
  },
  { name: "of its own status", script: "Deno.exit(7);", verdict: "failed" },
  {
    name: "flaky",
    script: `${attempt} assertEquals(attempt, "2");`,
    retries: 2,
    verdict: "flaky",
  },
  {
    name: "endless",
    script: "await new Promise(() => setInterval(() => {}, 1000));",
    timeout: 2,
    verdict: "timeout",
  },
  {
    name: "killed",
    script: `Deno.kill(Deno.pid, "SIGKILL");`,
    verdict: "crashed",
  },
];
