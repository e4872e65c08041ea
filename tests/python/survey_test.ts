import { assert, assertEquals, assertMatch } from "@std/assert";
import { onDebian, onTheirOwn, onTiny } from "./scripts.ts";
import { type Form, forms, surveyed, table } from "./survey.ts";

const read = (name: string) =>
  Deno.readTextFileSync(new URL(`./${name}`, import.meta.url));

const run = [
  ...onTiny.map((name) => `tiny/${name}`),
  ...onDebian.map((name) => `debian/${name}`),
  ...onTheirOwn,
];

Deno.test("the survey is of thirty tests of nixpkgs and more", () => {
  assert(Object.keys(surveyed).length >= 30);
});

Deno.test("every form is in the script that the list names for it", async (t) => {
  for (const [name, form] of Object.entries<Form>(forms)) {
    await t.step(name, () => {
      assert(run.includes(form.coveredBy), `${form.coveredBy} is not run`);
      assertMatch(read(form.coveredBy), form.pattern);
    });
  }
});

Deno.test("every script here is run by a test", () => {
  const found = ["tiny", "debian", "uefi"].flatMap((directory) =>
    [...Deno.readDirSync(new URL(`./${directory}`, import.meta.url))]
      .map(({ name }) => `${directory}/${name}`)
      .filter((name) => name.endsWith(".py"))
  );
  assertEquals(found.sort(), run.sort());
});

Deno.test("the table says what the survey says", () => {
  assertEquals(read("forms.md"), table());
});
