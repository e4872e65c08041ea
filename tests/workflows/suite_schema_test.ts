import { assertEquals } from "@std/assert";
import { Ajv } from "ajv";
import schema from "../../vmwright.suite.schema.json" with { type: "json" };
import examples from "../../examples/vmwright.suite.json" with { type: "json" };
import { suiteFields, testFields } from "../../src/suite/fields.ts";
import { checkSuite } from "../../src/suite/load_suite.ts";

const validate = new Ajv({ strict: false }).compile(schema);

/** Whether the program takes a suite. */
function isTaken(value: unknown): boolean {
  try {
    checkSuite(value, "suite");
    return true;
  } catch {
    return false;
  }
}

const long = "x".repeat(151);
const values = [
  ...[null, true, "", "x", "4G", "0G", "4X", "4.5G", "007m", "typescript"],
  ...[-1, 0, 0.5, 1, 1.5, 2147483, 2147484, 2 ** 33, Number.MAX_SAFE_INTEGER],
  ...[[], ["x"], [""], [1], [-1], [1.5], ["x", 1]],
  ...[{}, { a: "" }, { a: "x" }, { a: 1 }, { a: null }, { unknown: 1 }],
  ...[{ a: [] }, { a: ["x", 1, true] }, { a: [""] }, { "a b": [1] }, {
    a: [null],
  }],
  ...[{ a: {} }, { a: { script: "x" } }, { a: { script: 1 } }, { "": {} }, {
    [long]: {},
  }, { [long.slice(1)]: {} }],
];

Deno.test("the schema for editors takes what the program takes, and nothing else", () => {
  assertEquals(validate(examples), true);
  for (const value of values) {
    const suites = [
      value,
      ...Object.keys(suiteFields).map((field) => ({
        tests: {},
        [field]: value,
      })),
      ...Object.keys(testFields).flatMap((field) => [
        { tests: { web: { [field]: value } } },
        { defaults: { [field]: value }, tests: {} },
      ]),
    ];
    for (const suite of suites) {
      assertEquals(validate(suite), isTaken(suite), JSON.stringify(suite));
    }
  }
});
