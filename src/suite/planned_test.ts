import { UsageError } from "../errors.ts";
import type { LoadedSuite } from "./load_suite.ts";
import type { SuiteTest } from "./suite.ts";

/** A value of a matrix. */
type MatrixValue = string | number | boolean;

/** A test of a suite as it is run: with its defaults, and one value of a matrix. */
export interface PlannedTest extends Omit<SuiteTest, "matrix"> {
  /** Its name, with the values of its matrix: `web[kernel=6.1]`. */
  readonly name: string;
  /** Its tags, those of the defaults too. */
  readonly tags: readonly string[];
  /** Counts from 1 where it runs more than once. */
  readonly repetition?: number;
}

/**
 * Lists the tests of a suite, one for each combination of a matrix.
 *
 * @throws {UsageError} if a text names a value that does not exist, or if a
 * test has neither machines nor a script.
 */
export function plannedTests({ suite }: LoadedSuite): PlannedTest[] {
  const { defaults = {} } = suite;
  return Object.entries(suite.tests).flatMap(([name, own]) => {
    const { matrix = {}, ...test }: SuiteTest = {
      ...hasMachines(own) ? withoutMachines(defaults) : defaults,
      ...own,
      env: { ...defaults.env, ...own.env },
    };
    const tags = [...new Set([...defaults.tags ?? [], ...own.tags ?? []])];
    return combinations(matrix).map((values): PlannedTest => {
      const chosen = Object.entries(values);
      const whole = chosen.length === 0
        ? name
        : `${name}[${chosen.map((pair) => pair.join("=")).join(",")}]`;
      const planned = filled({ ...test, tags }, values, whole);
      checkWhole(planned, whole);
      return { ...planned, name: whole, tags: planned.tags! };
    });
  });
}

/** Whether a test says what its machines are. */
function hasMachines({ config, machineConfig, startScripts }: SuiteTest) {
  return (config ?? machineConfig ?? startScripts) !== undefined;
}

/** The defaults for a test with machines of its own. */
function withoutMachines(defaults: SuiteTest): SuiteTest {
  const { config: _, machineConfig: __, startScripts: ___, ...rest } = defaults;
  return rest;
}

function combinations(
  matrix: Readonly<Record<string, readonly MatrixValue[]>>,
): Record<string, MatrixValue>[] {
  return Object.entries(matrix).reduce<Record<string, MatrixValue>[]>(
    (found, [name, values]) =>
      found.flatMap((one) =>
        values.map((value) => ({ ...one, [name]: value }))
      ),
    [{}],
  );
}

/** Puts the values of a matrix into all texts of a test. */
function filled<T>(
  value: T,
  values: Readonly<Record<string, MatrixValue>>,
  name: string,
): T {
  if (Object.keys(values).length === 0) return value;
  const fill = (one: unknown): unknown => {
    if (typeof one === "string") {
      return one.replace(/\$\{([\w-]+)\}/g, (whole, key) => {
        if (Object.hasOwn(values, key)) return String(values[key]);
        throw new UsageError(
          `the test ${name} has ${whole}, but its matrix has only ${
            Object.keys(values).join(", ")
          }`,
        );
      });
    }
    if (Array.isArray(one)) return one.map(fill);
    if (typeof one !== "object" || one === null) return one;
    return Object.fromEntries(
      Object.entries(one).map(([key, value]) => [key, fill(value)]),
    );
  };
  return fill(value) as T;
}

function checkWhole(test: SuiteTest, name: string): void {
  const { config, machineConfig, script, startScripts } = test;
  if (config !== undefined && machineConfig !== undefined) {
    throw new UsageError(
      `the test ${name} has two files of machines: ${config} and ${machineConfig}`,
    );
  }
  // Another file's machines would have no effect.
  const file = config ?? machineConfig;
  if (file !== undefined && startScripts !== undefined) {
    throw new UsageError(
      `the test ${name} has startScripts, and machines in ${file}`,
    );
  }
  if (script === undefined && config === undefined) {
    throw new UsageError(`the test ${name} has no script, and no config`);
  }
}
