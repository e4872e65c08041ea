// Three machines that decide by majority, on a network that comes apart.
//
//   vmwright --seed 1 --capture failed --start-scripts ./run-node1-vm ./run-node2-vm ./run-node3-vm --vlans 1 partition.ts
//
// The start scripts connect all machines to VLAN 1, and the guests have busybox.
// Put a database's own commands in place of the small register below: each machine
// keeps a number of writes and a value, and a write or a read asks all three and
// needs two.
const nodes = [node1, node2, node3];

const answer = `#!/bin/bash
read -r act count value
read -r mine kept < /tmp/register
if [[ $act == write && $count -gt $mine ]]; then
  echo "$count $value" > /tmp/register
  mine=$count kept=$value
fi
echo "$mine $kept"
`;

const register = `#!/bin/bash
ask() {
  for node in 1 2 3; do
    (sleep 2 | timeout 3 busybox nc -w 2 192.168.1.$node 7000 < <(echo "$*")) &
  done
  wait
}
answers=$(ask read)
[[ $(wc -l <<< "$answers") -ge 2 ]] || { echo "no majority" >&2; exit 1; }
read -r count value < <(sort -rn <<< "$answers")
if [[ $# -gt 0 ]]; then
  count=$((count + 1)) value=$1
fi
# Who has only read brings those up to date that were away.
[[ $(ask write "$count" "$value" | grep -cx "$count $value") -ge 2 ]] || exit 1
echo "$value"
`;

await startAll();
await Promise.all(nodes.map(async (node) => {
  for (const [name, text] of Object.entries({ answer, register })) {
    await node.succeed(`cat > /usr/bin/${name} <<'EOF'\n${text}EOF`);
    await node.succeed(`chmod +x /usr/bin/${name}`);
  }
  await node.succeed(
    "echo '0 nothing' > /tmp/register; " +
      "busybox nc -ll -p 7000 -e /usr/bin/answer >/dev/null 2>&1 &",
  );
}));
await node1.waitUntilSucceeds("register one");

await subtest("two of three go on, and the third does not", async () => {
  await vlan1.partition([node1, node2], [node3]);
  await node1.succeed("register two");
  await node3.fail("register three");
  assertEquals(await node2.succeed("register"), "two\n");
});

await subtest("the third has it when the network is whole", async () => {
  assertEquals(await node3.waitUntilSucceeds("register"), "two\n");
});

await subtest("who is only heard late decides nothing wrong", async () => {
  await node2.link(vlan1).set({ delay: 0.05, jitter: 0.02, loss: 0.05 });
  await node1.waitUntilSucceeds("register four");
  assertEquals(await node3.waitUntilSucceeds("register"), "four\n");
});

await subtest("nor does who is not heard at all", async () => {
  await vlan1.partition([node3], [node1, node2], { oneWay: true });
  await node3.fail("register five");
  assertEquals(await node1.succeed("register"), "four\n");
});
