/** How a kernel may be packed, and the command that does it. */
export const packings = {
  gzip: ["gzip", "-c"],
  lz4: ["lz4", "-l", "-c"],
  xz: ["xz", "--check=crc32", "-c"],
  zstd: ["zstd", "-q", "-c"],
};

/** A way to pack a kernel. */
export type Packing = keyof typeof packings;

/** Sectors of the code that sets the processor up, after the first. */
const SETUP_SECTORS = 3;
/** Where the packed kernel begins, in the rest of the file. */
const PAYLOAD = 100;

/**
 * A packed kernel as the fields of its header describe it, in the form of the
 * kernel's `Documentation/arch/x86/boot.rst`. It has none of the code that
 * unpacks it.
 *
 * @param kernel The packed kernel.
 */
export async function bzImage(
  kernel: Uint8Array<ArrayBuffer>,
  packing: Packing,
): Promise<Uint8Array<ArrayBuffer>> {
  const [program, ...args] = packings[packing];
  const packer = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const [packed] = await Promise.all([
    new Response(packer.stdout).bytes(),
    new Blob([kernel]).stream().pipeTo(packer.stdin),
  ]);
  await packer.status;
  // The unpacked size comes after it; gzip has one of its own.
  const rest = packing === "gzip" ? 0 : 4;
  const begin = (SETUP_SECTORS + 1) * 512 + PAYLOAD;
  // What follows is no part of it.
  const image = new Uint8Array(begin + packed.length + rest + 1000).fill(7);
  const view = new DataView(image.buffer);
  image[0x1f1] = SETUP_SECTORS;
  image.set(new TextEncoder().encode("HdrS"), 0x202);
  view.setUint32(0x248, PAYLOAD, true);
  view.setUint32(0x24c, packed.length + rest, true);
  image.set(packed, begin);
  view.setUint32(begin + packed.length, kernel.length, true);
  return image;
}
