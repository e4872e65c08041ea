await startAll();

await subtest("nginx comes up", async () => {
  await server.waitForUnit("nginx.service");
  await server.waitForOpenPort(80);
});

await subtest("the client reads its page", async () => {
  const page = await client.succeed("curl --fail --silent http://server/");
  assertStringIncludes(page, "nginx");
});
