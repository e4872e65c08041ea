import { assertEquals } from "@std/assert";
import { type Language, languageOf } from "../../src/script/language.ts";

const files: Record<string, Language> = {
  "test.ts": "typescript",
  "/a.py/test.mts": "typescript",
  "test.js": "typescript",
  "test.mjs": "typescript",
  "test.tsx": "typescript",
  "test.py": "python",
  "/nix/store/abc-testScript": "python",
  "ts": "python",
  "test.ts.bak": "python",
};

for (const [file, language] of Object.entries(files)) {
  Deno.test(`${file} is ${language}`, () => {
    assertEquals(languageOf(file), language);
  });
}
