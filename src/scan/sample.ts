import type { ByteSet } from "./byte_set.ts";

/**
 * Lines that machines print most often. Bytes that are rare by themselves may
 * be frequent together; a needle that occurs in these lines is a bad one.
 */
const sample = new TextEncoder().encode(`
[    0.000000] Linux version: Kernel command line: console=ttyS0
[    0.301234] pci 0000:00:01.0: Initialized device, driver and bus type
[    1.234567] systemd[1]: Starting Load Kernel Module...
[    1.345678] systemd[1]: Started Journal Service.
[    1.456789] systemd[1]: Finished Create System Users.
[    1.567890] systemd[1]: Mounting Kernel Debug File System...
[    1.678901] systemd[1]: Mounted /dev/hugepages. Created slice User.
[    1.789012] systemd[1]: Reached target Local File Systems.
[    1.890123] systemd[1]: Listening on udev Control Socket.
`);

/**
 * The share of places in the sample at which a sequence of byte sets matches.
 */
export function rateInSample(sets: readonly ByteSet[]): number {
  let found = 0;
  for (let at = 0; at + sets.length <= sample.length; at++) {
    let same = 0;
    while (same < sets.length && sets[same].has(sample[at + same])) same++;
    if (same === sets.length) found++;
  }
  return found / sample.length;
}
