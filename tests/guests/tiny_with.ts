import type { CpioArchive } from "./cpio.ts";
import { startScript } from "./start_script.ts";
import { tiny } from "./tiny.ts";

/**
 * Writes a start script of the guest tiny with more files, or other ones.
 *
 * @param directory Where the script and the guest's files are written.
 * @param name The machine's name.
 * @param files The files.
 * @param parameters More parameters of the kernel.
 * @returns The script's path.
 */
export async function tinyWith(
  directory: string,
  name: string,
  files: CpioArchive,
  parameters: readonly string[] = [],
): Promise<string> {
  const image = await tiny("tiny");
  const initrd = `${directory}/initramfs`;
  // The kernel unpacks one archive after the other.
  await Deno.copyFile(image.initrd, initrd);
  await Deno.writeFile(initrd, files.bytes(), { append: true });
  const script = `${directory}/run-${name}-vm`;
  const kernelParameters = [...image.kernelParameters, ...parameters];
  await Deno.writeTextFile(
    script,
    startScript({ ...image, initrd, kernelParameters }, name),
    { mode: 0o755 },
  );
  return script;
}
