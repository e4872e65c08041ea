// Boot once, and let each subtest ruin machines of its own.
//
//   vmwright --start-scripts ./run-server-vm ./run-client-vm --vlans 1 snapshot.ts
//
// Needs in the guests: nginx as a systemd unit on the server, curl on the client;
// the start scripts connect both machines to VLAN 1, and keep the machines' disks
// in their working directories, as those of NixOS tests do.
const PAGE = "curl --fail --silent --max-time 60 http://192.168.1.1/";

await startAll();
await server.waitForUnit("nginx.service");
await client.waitUntilSucceeds(PAGE);

const ready = await snapshot({ name: "ready" });

// Side by side, as far as the host has memory and processors for them. Each gets
// the machines of its own fork, on a network of their own.
await Promise.all([
  subtest("the server is stopped", { from: ready }, async (fork) => {
    await fork.server.succeed("systemctl stop nginx.service");
    await fork.client.fail(PAGE);
  }),
  subtest("the server loses power", { from: ready }, async (fork) => {
    await fork.server.crash();
    await fork.client.fail(`${PAGE} --connect-timeout 2`);
  }),
]);

await subtest("nobody has seen that here", async () => {
  assertStringIncludes(await client.succeed(PAGE), "served by server");
});

await subtest("the machines go back themselves", async () => {
  await server.succeed("systemctl stop nginx.service");
  await ready.restore();
  assertStringIncludes(await client.succeed(PAGE), "served by server");
});
