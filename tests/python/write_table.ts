import { table } from "./survey.ts";

Deno.writeTextFileSync(new URL("./forms.md", import.meta.url), table());
