import { type Field, suiteFields, testFields } from "./fields.ts";

/**
 * The JSON schema of `vmwright.suite.json`, which editors take. The file
 * `vmwright.suite.schema.json` at the top of the project holds it.
 */
export function suiteSchema(): unknown {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "A suite of tests for vmwright",
    type: "object",
    required: ["tests"],
    ...propertiesOf(suiteFields),
    $defs: { test: { type: "object", ...propertiesOf(testFields) } },
  };
}

function propertiesOf(fields: Readonly<Record<string, Field>>) {
  return {
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, { kind, description }]) => [
        name,
        // Editors ignore a description beside a reference.
        "$ref" in kind.schema ? kind.schema : { description, ...kind.schema },
      ]),
    ),
    additionalProperties: false,
  };
}
