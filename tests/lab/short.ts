// What one guest on KVM is asked, in the lab's machine.
//
//   vmwright --start-scripts run-tiny-vm short.ts
const seconds = (began: number) =>
  ((performance.now() - began) / 1000).toFixed(1);

await subtest("it boots on KVM", async () => {
  const began = performance.now();
  await tiny.start();
  await tiny.connect();
  console.log(`boot to the first shell: ${seconds(began)} s`);
  const answer = await tiny.qmpClient.send("query-kvm");
  assertEquals(answer, { enabled: true, present: true });
});

await subtest("its commands and their output are whole", async () => {
  const lines = await tiny.succeed("seq 20000");
  assertEquals(lines.length, 108_894);
  assertEquals(await tiny.execute("exit 7"), [7, ""]);
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      assertEquals(await tiny.succeed(`echo ${n}`), `${n}\n`);
    }),
  );
});

await subtest("its waits see what happens", async () => {
  const wait = tiny.waitForFile("/tmp/there");
  await tiny.succeed("touch /tmp/there");
  await wait;
});

await subtest("it powers off", () => tiny.shutdown());
