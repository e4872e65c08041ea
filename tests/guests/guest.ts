import { debian } from "./debian.ts";
import type { Told } from "./cache.ts";
import type { GuestImage } from "./guest_image.ts";
import { startScript } from "./start_script.ts";
import { tiny } from "./tiny.ts";
import { accelerator } from "../../src/backend/accelerator.ts";

/** How each guest is made. */
const images = {
  "tiny": (told) => tiny("tiny", told),
  "tiny-redis": (told) => tiny("tiny-redis", told),
  "tiny-busybox": (told) => tiny("tiny-busybox", told),
  "tiny-bare": (told) => tiny("tiny-bare", told),
  "micro": (told) => tiny("micro", told),
  "debian": debian,
} satisfies Record<string, (told?: Told) => Promise<GuestImage>>;

/** The names of the guests. */
export type GuestName = keyof typeof images;

/** All guests, the smallest first. */
export const guestNames = Object.keys(images) as GuestName[];

/**
 * Programs stand at the same addresses each time that they start. Without KVM,
 * QEMU translates a program again at each new address: a command that starts a
 * process takes two to three times as long.
 */
const WITHOUT_ASLR = "norandmaps";

/** How to make a guest. */
export interface GuestOptions {
  /** Gets a message about each long action. */
  told?: Told;
  /** Whether the kernel puts programs at random addresses, as it does elsewhere. */
  aslr?: boolean;
}

/** How a machine differs from the others of its guest. */
export interface StartScriptOptions {
  /** What its addresses end in, 1 to 254; made of the name by default. */
  number?: number;
  /** Parameters for the kernel, after the guest's own. */
  kernelParameters?: readonly string[];
}

/** A guest that is built and can be started as any number of machines. */
export interface Guest {
  readonly name: GuestName;
  /** The directory that holds the image. */
  readonly directory: string;
  /** Ends in `run-<name>-vm`. */
  readonly startScript: string;
  /**
   * The same guest under another machine name; ends in `run-<machine>-vm`.
   *
   * On VLAN v the machine has the address 192.168.v.n, where n is the number
   * at the end of its name unless another one is given. Guests know `node1` to
   * `node9` by name.
   */
  startScriptFor(machine: string, options?: StartScriptOptions): string;
}

/** The guest of that name, built if it isn't there yet. */
export async function guest(
  name: GuestName,
  { told, aslr = false }: GuestOptions = {},
): Promise<Guest> {
  const [image] = await Promise.all([images[name](told), accelerator()]);
  const startScriptFor = (
    machine: string,
    options: StartScriptOptions = {},
  ) => {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(machine)) {
      throw new Error(
        "expected a machine name of letters, digits, '_', '-' and '.', got " +
          JSON.stringify(machine),
      );
    }
    // What differs must not share a path.
    const variant = [
      aslr ? "aslr" : undefined,
      options.number,
      ...options.kernelParameters ?? [],
    ].filter((part) => part !== undefined).map((part) => `-${part}`).join("");
    return write(
      `${image.directory}/as${variant.replaceAll("/", "_")}`,
      `run-${machine}-vm`,
      startScript(
        {
          ...image,
          kernelParameters: [
            ...image.kernelParameters,
            ...aslr ? [] : [WITHOUT_ASLR],
            ...options.kernelParameters ?? [],
          ],
        },
        machine,
        options.number,
      ),
    );
  };
  return {
    name,
    directory: image.directory,
    startScript: startScriptFor(name),
    startScriptFor,
  };
}

/** Puts the script there in one step, since others may be running it. */
function write(directory: string, name: string, text: string): string {
  const path = `${directory}/${name}`;
  try {
    if (Deno.readTextFileSync(path) === text) return path;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  Deno.mkdirSync(directory, { recursive: true });
  const unfinished = Deno.makeTempFileSync({ dir: directory });
  Deno.writeTextFileSync(unfinished, text);
  Deno.chmodSync(unfinished, 0o755);
  Deno.renameSync(unfinished, path);
  return path;
}
