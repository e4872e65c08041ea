// A power failure: what was synced is still on the disk, and the service that
// holds the disk comes back.
//
//   truncate -s 1M disk.img
//   QEMU_OPTS="-drive file=$PWD/disk.img,format=raw,if=virtio" vmwright --start-scripts ./run-machine-vm power_loss.ts
//
// Needs a start script that gives QEMU_OPTS to QEMU, as NixOS's do, and the
// kernel's virtio_blk in the guest.
const read = "modprobe virtio_blk; head -c 5 /dev/vda";

await machine.succeed("modprobe virtio_blk; echo kept > /dev/vda; sync");

await subtest("what was synced outlives a loss of power", async () => {
  await machine.crash();
  await machine.start();
  assertEquals(await machine.succeed(read), "kept\n");
});

await subtest("what was only written to memory does not", async () => {
  await machine.succeed("echo lost > /tmp/note");
  await machine.crash();
  await machine.start();
  await machine.fail("cat /tmp/note");
});

await subtest("nor does what was still in the disk's own cache", async () => {
  await machine.succeed("modprobe virtio_blk");
  await machine.disk().cacheWrites();
  await machine.succeed(
    "echo gone | dd of=/dev/vda bs=512 conv=sync oflag=direct",
  );
  await machine.powerLoss();
  await machine.start();
  assertEquals(await machine.succeed(read), "kept\n");
});
