/** Scripts that share one machine of the guest tiny, in this order. */
export const onTiny = [
  "commands.py",
  "durations.py",
  "steps.py",
  "waits.py",
  "files.py",
  "threads.py",
  "qemu.py",
  "snapshots.py",
  "faults.py",
  "life.py",
  "deaths.py",
  "internals.py",
];

/** Scripts that share one machine of the guest debian, in this order. */
export const onDebian = [
  "systemd.py",
  "desktop.py",
  "terminal.py",
  "switch_root.py",
];

/** Scripts that run on their own, as a user would run them. */
export const onTheirOwn = [
  "tiny/environment.py",
  "uefi/efi_vars.py",
  "debian/ten_steps.py",
];
