// Builds guests: deno run -A tests/guests/build.ts [--yes] [tiny|debian…]

import { parseArgs } from "@std/cli/parse-args";
import { guest, type GuestName, guestNames } from "./guest.ts";
import { ensureTools } from "./tools.ts";

const { yes, _: positionals } = parseArgs(Deno.args, { boolean: ["yes"] });
const names = positionals.map(String);
for (const name of names) {
  if (!(guestNames as string[]).includes(name)) {
    console.error(
      `expected the names of guests (${guestNames.join(", ")}), got ${name}`,
    );
    Deno.exit(2);
  }
}
try {
  await ensureTools({ yes });
  for (const name of names.length === 0 ? guestNames : names as GuestName[]) {
    console.log((await guest(name, { told: console.error })).startScript);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  Deno.exit(1);
}
