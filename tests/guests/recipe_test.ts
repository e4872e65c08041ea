import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { recipeHash } from "./recipe.ts";

const recipe = {
  name: "soup",
  ingredients: { water: 1, salt: { grains: 7, kind: "sea" }, leaves: ["a"] },
};

Deno.test("a recipe's hash does not depend on the order of its keys", async () => {
  assertEquals(
    await recipeHash(recipe),
    await recipeHash({
      ingredients: {
        leaves: ["a"],
        salt: { kind: "sea", grains: 7 },
        water: 1,
      },
      name: "soup",
    }),
  );
});

Deno.test("a recipe's hash can stand in a file's name", async () => {
  assertMatch(await recipeHash(recipe), /^[0-9a-f]{16}$/);
});

for (
  const [what, other] of Object.entries({
    "the name": { ...recipe, name: "stew" },
    "a deep value": {
      ...recipe,
      ingredients: { ...recipe.ingredients, salt: { grains: 8, kind: "sea" } },
    },
    "the order of a list": {
      name: "soup",
      ingredients: { ...recipe.ingredients, leaves: ["b", "a"] },
    },
  })
) {
  Deno.test(`a recipe's hash changes with ${what}`, async () => {
    assertNotEquals(await recipeHash(recipe), await recipeHash(other));
  });
}
