// A service on one machine, its client on another.
//
//   vmwright --start-scripts ./run-server-vm ./run-client-vm --vlans 1 service.ts
//
// Needs in the guests: nginx as a systemd unit on the server, curl on the client;
// the start scripts connect both machines to VLAN 1.
await startAll();

await subtest("the server serves", async () => {
  await server.waitForUnit("nginx.service");
  await server.waitForOpenPort(80);
});

await subtest("the client reads the page", async () => {
  const page = await client.succeed("curl --fail --silent http://192.168.1.1/");
  assertStringIncludes(page, "served by server");
});

await subtest("a reload drops no connection", async () => {
  // Any number of commands runs at once, on any number of machines.
  const [statuses] = await Promise.all([
    client.succeed(
      "for i in $(seq 10); do curl -s -o /dev/null -w '%{http_code}\\n' http://192.168.1.1/; done",
    ),
    server.succeed("systemctl reload nginx.service"),
  ]);
  assertEquals(statuses, "200\n".repeat(10));
});
