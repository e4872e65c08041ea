import { assertRejects } from "@std/assert";
import { ensureTools } from "./tools.ts";

Deno.test("nothing happens if all tools are there", async () => {
  await ensureTools({
    wanted: [{ program: "sh", package: "dash", purpose: "runs scripts" }],
  });
});

Deno.test("the message about a missing tool has the line that installs it", async () => {
  await assertRejects(
    () =>
      ensureTools({
        ask: false,
        wanted: [{
          program: "no-such-program",
          package: "no-such-package",
          purpose: "is not there",
        }],
      }),
    Error,
    "apt-get install --yes --no-install-recommends no-such-package",
  );
});
