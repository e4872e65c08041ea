import { MachineError } from "../../errors.ts";
import { shortened } from "../../report/shortened.ts";
import { harmless } from "../../scan/mod.ts";
import type { MachineCore } from "../core.ts";
import { glimpse } from "../commands/glimpse.ts";
import { decode } from "../commands/output.ts";
import script from "./guest_screen.sh" with { type: "text" };
import { decodePng, decodePpm, encodePng } from "./picture.ts";
import { decodeXwd } from "./xwd.ts";

/** Bytes that a guest may send for a picture. */
const MOST = 64 * 1024 * 1024;
/** Seconds that a guest may take for a picture. */
const PATIENCE = 30;
/** Characters of a program's complaint that a message quotes. */
const QUOTED = 300;

/** The script's exit statuses, beside 0. */
const NOTHING = 64, NO_PROGRAM = 65, REFUSED = 66;

/** What each program of a guest shows, and which package has it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  grim: "its Wayland display (Debian: apt-get install grim; NixOS: pkgs.grim)",
  import: "its X display (Debian: apt-get install imagemagick; NixOS: " +
    "pkgs.imagemagick)",
  fbcat: "its framebuffer (Debian: apt-get install fbcat; NixOS: pkgs.fbcat)",
};

/** A guest shows nothing, at least not yet. */
export class NothingShown extends MachineError {}

/**
 * Makes a program in the guest take a picture of the display: for guests whose
 * hypervisor gives them no screen.
 *
 * This decodes the guest's bytes within limits, and encodes the picture anew,
 * so that nobody else reads bytes of a guest.
 *
 * @param core The machine.
 * @param signal Ends it.
 * @returns A picture in PNG.
 * @throws {NothingShown} if there is nothing to look at.
 * @throws {MachineError} if no program in the guest can take a picture.
 */
export async function lookInside(
  core: MachineCore,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const given = new Given();
  const { name, hypervisor } = core;
  const { status } = await core.run(script, {
    timeout: PATIENCE,
    signal: signal === undefined
      ? given.signal
      : AbortSignal.any([signal, given.signal]),
    onStdout: (chunk) => given.push(chunk, name),
  });
  const bytes = given.bytes();
  if (status === 0) {
    try {
      return await ownPicture(bytes);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new MachineError(
        `the guest of ${name} gave no picture of its screen: ${error.message}`,
        { cause: error },
      );
    }
  }
  const said = (from: number) =>
    shortened(
      harmless(decode(bytes.subarray(from))).replaceAll(/\s+/g, " ").trim(),
      QUOTED,
    );
  const lacks = `${hypervisor} gives ${name} no screen`;
  switch (status) {
    case NOTHING:
      throw new NothingShown(
        `${lacks}, and its guest shows none: it has no Wayland or X display, ` +
          "and no framebuffer",
      );
    case NO_PROGRAM: {
      const program = said(0);
      throw new MachineError(
        `${lacks}, and its guest lacks ${program}` +
          (Object.hasOwn(PROGRAMS, program)
            ? `, which takes pictures of ${PROGRAMS[program]}`
            : ""),
      );
    }
    case REFUSED:
      throw new NothingShown(
        `${lacks}, and the program in its guest failed: ${
          said(bytes.lastIndexOf(0) + 1)
        }`,
      );
    default:
      throw new MachineError(
        `${lacks}, and its guest took no picture in ${PATIENCE} seconds ` +
          `(status ${status})`,
      );
  }
}

/**
 * The same for a guest that may not answer any more, for the report of a
 * failure.
 *
 * @param core The machine.
 * @param seconds How long to wait.
 * @returns A picture in PNG; nothing if there is none.
 */
export async function glimpseInside(
  core: MachineCore,
  seconds: number,
): Promise<Uint8Array | undefined> {
  try {
    return await ownPicture(await glimpse(core, script, seconds));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

/** Bytes from a guest, up to a limit. */
class Given {
  readonly #parts: Uint8Array[] = [];
  readonly #enough = new AbortController();
  #size = 0;

  /** Aborted when too much has come. */
  get signal(): AbortSignal {
    return this.#enough.signal;
  }

  push(chunk: Uint8Array, name: string): void {
    this.#size += chunk.length;
    if (this.#size <= MOST) this.#parts.push(chunk.slice());
    else {
      this.#enough.abort(
        new MachineError(
          `the guest of ${name} gave a picture of more than ${
            MOST / 1024 / 1024
          } MiB`,
        ),
      );
    }
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/**
 * Decodes a guest's picture, and encodes it anew as PNG.
 *
 * @throws {TypeError} if it is not a picture of a kind that the script makes.
 */
async function ownPicture(bytes: Uint8Array): Promise<Uint8Array> {
  const picture = bytes[0] === 0x89
    ? await decodePng(bytes)
    : bytes[0] === 0x50
    ? decodePpm(bytes)
    : decodeXwd(bytes);
  return await encodePng(picture);
}
