import type { Suite, SuiteTest } from "./suite.ts";

/** What a value of a suite's file can be. */
export interface Kind {
  /** The value's name in messages. */
  readonly expected: string;
  /** Whether a value is one. */
  readonly takes: (value: unknown) => boolean;
  /** The same in JSON schema. */
  readonly schema: Readonly<Record<string, unknown>>;
}

/** A field of a suite's file. */
export interface Field {
  /** What it may hold. */
  readonly kind: Kind;
  /** What it means, for editors. */
  readonly description: string;
}

const isText = (value: unknown): value is string =>
  typeof value === "string" && value !== "";
const isScalar = (value: unknown) =>
  isText(value) || typeof value === "number" || typeof value === "boolean";

/** Whether a value is an object, and no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const text: Kind = {
  expected: "a text that is not empty",
  takes: isText,
  schema: { type: "string", minLength: 1 },
};

const texts: Kind = {
  expected: "a list of texts",
  takes: (value) => Array.isArray(value) && value.every(isText),
  schema: { type: "array", items: text.schema },
};

const count: Kind = {
  expected: "a whole number from 0 up",
  takes: (value) => Number.isSafeInteger(value) && value as number >= 0,
  schema: { type: "integer", minimum: 0 },
};

/** The longest time of a timer, in seconds. */
const LONGEST = 2147483;

/** The fields of a test. */
export const testFields: Readonly<Record<keyof SuiteTest, Field>> = {
  config: {
    kind: text,
    description: "A configuration file of the NixOS test framework.",
  },
  machineConfig: {
    kind: text,
    description: "A file of machines that each name a backend.",
  },
  startScripts: {
    kind: texts,
    description: "The start scripts of the machines.",
  },
  vlans: {
    kind: {
      expected: "a list of whole numbers from 0 up",
      takes: (value) => Array.isArray(value) && value.every(count.takes),
      schema: { type: "array", items: count.schema },
    },
    description: "The numbers of the networks.",
  },
  script: {
    kind: text,
    description: "The test script, in TypeScript, JavaScript or Python.",
  },
  language: {
    kind: {
      expected: "typescript or python",
      takes: (value) => value === "typescript" || value === "python",
      schema: { enum: ["typescript", "python"] },
    },
    description: "The language of a script whose name does not tell it.",
  },
  timeout: {
    kind: {
      expected: `a number of seconds above 0 and up to ${LONGEST}`,
      takes: (value) =>
        typeof value === "number" && value > 0 && value <= LONGEST,
      schema: { type: "number", exclusiveMinimum: 0, maximum: LONGEST },
    },
    description: "Seconds that one attempt may take. Default: 3600.",
  },
  retries: {
    kind: count,
    description:
      "How many times a test that does not pass is tried again. Default: 0.",
  },
  tags: { kind: texts, description: "Words by which --tag selects tests." },
  skip: { kind: text, description: "Why the test is skipped." },
  env: {
    kind: {
      expected: "an object of texts",
      takes: (value) =>
        isObject(value) &&
        Object.values(value).every((one) => typeof one === "string"),
      schema: { type: "object", additionalProperties: { type: "string" } },
    },
    description:
      "Environment variables of the script and of the start scripts.",
  },
  options: {
    kind: texts,
    description:
      'More options of the command line, such as ["--screenshots", "steps"].',
  },
  memory: {
    kind: {
      expected: 'a number of MiB above 0, or a text such as "4G"',
      takes: (value) =>
        typeof value === "number"
          ? value > 0 && value < 2 ** 33
          : typeof value === "string" && /^\d+[KMGT]?$/i.test(value) &&
            parseInt(value) > 0,
      schema: {
        anyOf: [
          { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 2 ** 33 },
          { type: "string", pattern: "^0*[1-9]\\d*[KMGTkmgt]?$" },
        ],
      },
    },
    description: "Memory that the test takes at most: MiB, or a text as “4G”.",
  },
  cores: {
    kind: {
      expected: "a whole number from 1 up",
      takes: (value) => Number.isSafeInteger(value) && value as number >= 1,
      schema: { type: "integer", minimum: 1 },
    },
    description: "Processors that the test keeps busy.",
  },
  matrix: {
    kind: {
      expected:
        "an object of names of letters, digits, - and _, each with a list of values",
      takes: (value) =>
        isObject(value) &&
        Object.entries(value).every(([name, values]) =>
          /^[\w-]+$/.test(name) && Array.isArray(values) &&
          values.length > 0 && values.every(isScalar)
        ),
      schema: {
        type: "object",
        propertyNames: { pattern: "^[A-Za-z0-9_-]+$" },
        additionalProperties: {
          type: "array",
          minItems: 1,
          items: {
            anyOf: [text.schema, { type: "number" }, { type: "boolean" }],
          },
        },
      },
    },
    description:
      "Names with their values: a test for each combination, in whose texts " +
      "${name} is the value.",
  },
};

const tests: Kind = {
  expected: "an object of tests",
  takes: isObject,
  schema: {
    type: "object",
    additionalProperties: { $ref: "#/$defs/test" },
    propertyNames: { minLength: 1, maxLength: 150 },
  },
};

/** The fields of a suite. */
export const suiteFields: Readonly<Record<keyof Suite, Field>> = {
  $schema: { kind: text, description: "The address of this schema." },
  name: {
    kind: text,
    description: "What reports call the suite. Default: its folder's name.",
  },
  defaults: {
    kind: {
      expected: "an object of a test's fields",
      takes: isObject,
      schema: { $ref: "#/$defs/test" },
    },
    description: "Fields of each test that does not set them itself.",
  },
  tests: { kind: tests, description: "The tests by their names." },
};
