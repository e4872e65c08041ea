// A kernel that panics on purpose, and the machine that comes back.
//
//   vmwright --start-scripts ./run-machine-vm kernel_panic.ts
//
// Without allowReboot, a reboot of the guest ends the machine.
await machine.start({ allowReboot: true });
await machine.succeed("echo 1 > /proc/sys/kernel/panic"); // seconds to the reboot

await subtest("the kernel panics", async () => {
  await machine.execute("echo c > /proc/sysrq-trigger", { checkReturn: false });
  await machine.waitForConsoleText("Kernel panic - not syncing: sysrq");
});

await subtest("the machine boots again", async () => {
  const seconds = await machine.succeed("cut -d. -f1 /proc/uptime");
  assertLess(Number(seconds), 60);
});
