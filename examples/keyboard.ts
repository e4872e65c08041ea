// What a person at the machine types, and sees on its terminal.
//
//   vmwright --start-scripts ./run-machine-vm keyboard.ts
//
// A guest with a login or a desktop needs no shell on tty1 from the test. There,
// waitForText() reads the screen by tesseract, and waitForWindow() waits for a
// window.
await subtest("a shell waits on the first terminal", async () => {
  // Messages of the kernel could cut the text in two.
  await machine.succeed("echo 1 > /proc/sys/kernel/printk");
  await machine.succeed(
    "PS1='ready> ' setsid -c bash --norc -i </dev/tty1 >/dev/tty1 2>&1 &",
  );
  await machine.waitUntilTtyMatches(1, /ready> /);
});

await subtest("somebody types into it", async () => {
  await machine.sendChars("echo Typed By HAND | tee /tmp/typed\n");
  await machine.waitUntilTtyMatches(1, /^Typed By HAND/m);
  assertEquals(await machine.succeed("cat /tmp/typed"), "Typed By HAND\n");
});

await subtest("a picture of the screen is kept", async () => {
  await machine.screenshot("typed");
});
