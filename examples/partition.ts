// A replicated Redis whose primary is cut off from its replicas.
//
//   vmwright --seed 1 --capture failed --start-scripts ./run-node1-vm ./run-node2-vm ./run-node3-vm --vlans 1 partition.ts
//
// Needs in the guests: redis-server and redis-cli of Redis 7, and no service that
// has Redis's port yet; the start scripts connect all machines to VLAN 1, where
// they know each other as node1 to node3, as those of NixOS tests do.
//
// The timeline of the run's page shows the partition as a coloured stretch of the
// script's row, from the moment when the network comes apart to the end of the
// subtest, which heals it. On node1's row the writer's command reaches into that
// stretch, and ends where the primary refuses. The slow link at the end is such a
// stretch of node3's row.
const nodes = [node1, node2, node3];

/** The command that has a machine's own Redis do something. */
const redis = (command: string) => `redis-cli -e ${command} 2>&1`;

await startAll();
await Promise.all(nodes.map(async (node) => {
  // A master that has heard of no replica for ten seconds refuses writes.
  await node.succeed(
    "redis-server --daemonize yes --protected-mode no --dir /tmp --save '' " +
      "--repl-diskless-sync-delay 0 " +
      "--min-replicas-to-write 1 --min-replicas-max-lag 10",
  );
  await node.waitForOpenPort(6379);
}));
for (const replica of [node2, node3]) {
  await replica.succeed(redis("replicaof node1 6379"));
}

await subtest("what the primary takes, the replicas get", async () => {
  await node1.waitUntilSucceeds(redis("set greeting hello"));
  for (const replica of [node2, node3]) {
    await replica.waitUntilSucceeds(`${redis("get greeting")} | grep -x hello`);
    const refused = await replica.fail(redis("set greeting hi"));
    assertStringIncludes(refused, "READONLY");
  }
});

let taken = 0, replicated = 0;
await subtest("a primary that is cut off soon refuses to write", async () => {
  const writer = node1.succeed(
    "while answer=$(redis-cli -e incr writes); do last=$answer; done; " +
      "echo $last",
  );
  await node2.waitUntilSucceeds(redis("get writes") + " | grep '[0-9]'");
  await vlan1.partition([node1], [node2, node3]);

  taken = Number(await writer);
  const refused = await node1.fail(redis("incr writes"));
  assertStringIncludes(refused, "NOREPLICAS");
  // Replication doesn't wait: these seconds of writes are on node1 alone.
  replicated = Number(await node2.succeed(redis("get writes")));
  assertGreater(taken, replicated);

  await node2.succeed(redis("replicaof no one"));
  await node3.succeed(redis("replicaof node2 6379"));
  await node2.waitUntilSucceeds(redis("set greeting 'hello again'"));
  await node3.waitUntilSucceeds(`${redis("get greeting")} | grep again`);
});

await subtest("the old primary comes back as a replica", async () => {
  // It doesn't know yet that there is another one, and still writes nothing.
  await node1.fail(redis("incr writes"));
  assertEquals(Number(await node1.succeed(redis("get writes"))), taken);

  await node1.succeed(redis("replicaof node2 6379"));
  await node1.waitUntilSucceeds(
    `${redis("info replication")} | grep master_link_status:up`,
  );
  const greeting = await node1.succeed(redis("get greeting"));
  assertEquals(greeting, "hello again\n");
  // What only it had taken is gone.
  assertEquals(Number(await node1.succeed(redis("get writes"))), replicated);
});

await subtest("a write that has waited for both is on both", async () => {
  await node3.link(vlan1).set({ delay: 0.05, jitter: 0.02, loss: 0.05 });
  // WAIT counts for its own connection, so that one takes both commands.
  const answers = await node2.succeed(
    "printf '%s\\n' 'set greeting farewell' 'wait 2 0' | redis-cli",
  );
  assertEquals(answers, "OK\n2\n");
  for (const node of nodes) {
    assertEquals(await node.succeed(redis("get greeting")), "farewell\n");
  }
});
