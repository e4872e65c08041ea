import { runExample } from "./examples.ts";

Deno.test("The example snapshot.ts passes as its header says", async () => {
  await runExample("snapshot.ts", "debian");
});

Deno.test("The example service.ts passes as its header says", async () => {
  await runExample("service.ts", "debian");
});
