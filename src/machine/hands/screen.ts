import { absolute, baseName } from "../../paths.ts";
import { MachineError, TestFailure } from "../../errors.ts";
import { after, delay, limitOf } from "../../time/mod.ts";
import type { MachineCore } from "../core.ts";
import { withLook } from "../last_look.ts";
import { claimPlace, refuseOwn } from "../files/files.ts";
import { glimpseInside, lookInside, NothingShown } from "./guest_screen.ts";
import { brightness, enlarged, standingOut } from "./legible.ts";
import {
  decodePng,
  decodePpm,
  encodePgm,
  type GreyPicture,
  type Picture,
} from "./picture.ts";
import { DEFAULT_TIMEOUT, type WaitOptions } from "../waits/timeout.ts";

/**
 * How much larger this makes text: tesseract reads letters of 30 points best.
 */
const FACTOR = 3;
/** The resolution of a screen that tesseract gets, in points per inch. */
const DENSITY = 72;
/** How many screens the driver recognises when they come again. */
const REMEMBERED = 4;
/** Seconds between two looks at a screen that does not change. */
const PAUSE = 0.1;

/** A page segmentation of tesseract: text anywhere, in any order. */
const ANYWHERE = 11;
/** Text in blocks, as on a page, also beside patterns that are no text. */
const IN_BLOCKS = 3;

/** A way to read a picture. */
interface Way {
  /** Prepares the picture; absent if tesseract reads the picture itself. */
  ready(picture: Picture): GreyPicture | undefined;
  /** The page segmentation. */
  mode: number;
}

/**
 * The ways to read a picture; the first one reads most. Each sees text that the
 * others miss: the first small and coloured text, the second large text, and
 * the third text in front of a photograph.
 */
const WAYS: Way[] = [
  {
    ready: (picture) => enlarged(standingOut(picture), FACTOR),
    mode: ANYWHERE,
  },
  { ready: () => undefined, mode: IN_BLOCKS },
  { ready: (picture) => enlarged(brightness(picture), FACTOR), mode: ANYWHERE },
];

/**
 * The first ways. If the caller wants one reading, it gets the better one of
 * these.
 */
const CANDIDATES = 2;

/** See {@linkcode QemuMachine.screenshot}. */
export function screenshot(core: MachineCore, filename: string): Promise<void> {
  let path = filename.includes(".") ? filename : `${filename}.png`;
  if (!path.includes("/")) path = `${core.context.outDir}/${path}`;
  return core.nested(`making screenshot ${path}`, async () => {
    refuseOwn(core, path);
    claimPlace(core, absolute(path));
    await takePicture(core, absolute(path));
    core.log.screenshot(core.label, path);
  }, { image: baseName(path) });
}

/** Reads the text on the screen, in one way or in all ways. */
export async function screenText(
  core: MachineCore,
  options: { variants?: boolean } = {},
): Promise<string[]> {
  return await readPicture(await lookAt(core), options);
}

/**
 * Reads the text in a picture of a screen.
 *
 * @param path A picture in PNG, or in the binary form of PPM.
 * @param options.variants Whether to return the readings of all ways. Default:
 * false, the reading with the most letters and digits.
 * @returns The readings.
 * @throws {MachineError} if tesseract is missing, or can't read the picture.
 */
export async function readScreen(
  path: string,
  options: { variants?: boolean } = {},
): Promise<string[]> {
  return await readPicture(await Deno.readFile(path), options);
}

async function readPicture(
  bytes: Uint8Array,
  options: { variants?: boolean },
): Promise<string[]> {
  const shot = new Shot(bytes);
  const ways = options.variants ? WAYS : WAYS.slice(0, CANDIDATES);
  const readings = await Promise.all(ways.map((_, way) => shot.read(way)));
  if (options.variants) return readings;
  return [
    readings.reduce((best, other) =>
      legible(other) > legible(best) ? other : best
    ),
  ];
}

/** Counts the letters in a reading's words. Shorter words may be no text. */
function legible(reading: string): number {
  return reading.match(/[\p{L}\p{N}]{3,}/gu)?.join("").length ?? 0;
}

/**
 * Waits until a reading of the screen is accepted.
 *
 * @param accept Whether a reading ends the wait.
 * @param text The step's text in the log.
 * @param failure The error's text if the time passes first.
 */
export function waitForScreen(
  core: MachineCore,
  accept: (reading: string) => boolean,
  text: string,
  failure: string,
  options: WaitOptions,
): Promise<void> {
  const timeout = limitOf(options.timeout, DEFAULT_TIMEOUT);
  return core.whileUp((signal, check) =>
    core.waiting(text, async () => {
      const over = new AbortController();
      const search = new Search(
        async () => {
          await check();
          return await lookAt(core, signal);
        },
        accept,
        AbortSignal.any([signal, over.signal]),
      );
      try {
        const seen = () => search.unseen ?? JSON.stringify(search.seen);
        if (await withLook(core.name, seen, () => search.run(timeout))) return;
      } finally {
        over.abort();
        await search.ended;
      }
      throw new TestFailure(
        `${failure} in ${timeout} seconds; ` +
          (search.unseen ?? `last seen:\n${JSON.stringify(search.seen)}`),
      );
    })
  );
}

/**
 * Looks for a text on a screen that may change meanwhile. At the same time, one
 * task reads each new screen in the first way, and another reads a screen that
 * has stayed in all other ways.
 */
class Search {
  readonly #look: () => Promise<Uint8Array>;
  readonly #accept: (reading: string) => boolean;
  readonly #signal: AbortSignal;
  readonly #found = Promise.withResolvers<boolean>();
  /** Earlier screens: a blinking cursor brings some of them back. */
  readonly #shots: Shot[] = [];
  #shot?: Shot;
  /** Why there was nothing to look at, at the last look. */
  #unseen?: string;
  #last = false;
  #gaveUp = false;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(
    look: () => Promise<Uint8Array>,
    accept: (reading: string) => boolean,
    signal: AbortSignal,
  ) {
    this.#look = look;
    this.#accept = accept;
    this.#signal = signal;
  }

  /** Resolved when all tasks of the search have ended. */
  get ended(): Promise<unknown> {
    return this.#ended;
  }

  /** Why there is nothing to see, if there is not. */
  get unseen(): string | undefined {
    return this.#unseen;
  }

  /** The readings of the last screen. */
  get seen(): string[] {
    return this.#shot?.readings ?? [];
  }

  /** Runs the search. Returns whether the text came in time. */
  async run(timeout: number): Promise<boolean> {
    const ways = Promise.all([this.#readNew(), this.#readRest()]);
    this.#ended = ways.catch(() => {});
    const cancel = after(timeout, () => this.#last = true);
    try {
      return await Promise.race([this.#found.promise, ways.then(() => false)]);
    } finally {
      cancel();
    }
  }

  /** Reads each new screen; when the time has passed, the last one. */
  async #readNew(): Promise<void> {
    while (!this.#over) {
      const began = performance.now();
      const bytes = await this.#picture();
      // A look may cost the guest something.
      const pause = Math.max(PAUSE, (performance.now() - began) / 1000);
      if (bytes === undefined) {
        this.#gaveUp = this.#last;
        if (this.#last) return;
        await delay(pause, this.#signal);
        continue;
      }
      const known = this.#shots.find((shot) => shot.isOf(bytes));
      if (known !== undefined) {
        this.#shot = known;
        if (this.#last) return;
        await delay(pause, this.#signal);
        continue;
      }
      const shot = new Shot(bytes, this.#signal);
      this.#take(await shot.read(0));
      this.#shot = shot;
      this.#shots.push(shot);
      if (this.#shots.length > REMEMBERED) this.#shots.shift();
      if (this.#last) return;
    }
  }

  /**
   * Reads the last screen in the other ways, after the first way has read it.
   */
  async #readRest(): Promise<void> {
    while (!this.#over) {
      const shot = this.#shot;
      const way = shot === undefined ? -1 : shot.unread;
      if (shot !== undefined && way >= 0) {
        this.#take(await shot.read(way));
      } else if (this.#last && (shot !== undefined || this.#gaveUp)) {
        return;
      } else {
        await delay(PAUSE, this.#signal);
      }
    }
  }

  /** The screen as it is; nothing as long as a guest shows none. */
  async #picture(): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#look();
      this.#unseen = undefined;
      return bytes;
    } catch (error) {
      if (!(error instanceof NothingShown)) throw error;
      this.#unseen = error.message;
    }
  }

  get #over(): boolean {
    return this.#signal.aborted;
  }

  #take(reading: string): void {
    if (!this.#over && this.#accept(reading)) this.#found.resolve(true);
  }
}

/** A picture of a screen, and its readings. */
class Shot {
  readonly #bytes: Uint8Array;
  readonly #signal?: AbortSignal;
  readonly #texts = new Map<number, string>();
  #picture?: Promise<Picture | undefined>;

  constructor(bytes: Uint8Array, signal?: AbortSignal) {
    this.#bytes = bytes;
    this.#signal = signal;
  }

  /** Whether another picture shows the same. */
  isOf(bytes: Uint8Array): boolean {
    return bytes.length === this.#bytes.length &&
      bytes.every((byte, at) => byte === this.#bytes[at]);
  }

  /** The readings so far. */
  get readings(): string[] {
    return [...this.#texts.values()];
  }

  /** A way in which the picture has not been read, or -1. */
  get unread(): number {
    return WAYS.findIndex((_, way) => !this.#texts.has(way));
  }

  /** Reads it in one of the ways. */
  async read(way: number): Promise<string> {
    const picture = await (this.#picture ??= decode(this.#bytes));
    const { ready, mode } = WAYS[way];
    const made = picture && ready(picture);
    const text = made === undefined
      ? await recognise(this.#bytes, mode, DENSITY, this.#signal)
      : await recognise(encodePgm(made), mode, DENSITY * FACTOR, this.#signal);
    this.#texts.set(way, text);
    return text;
  }
}

/** Decodes a picture, if it is of a kind that QEMU makes. */
async function decode(bytes: Uint8Array): Promise<Picture | undefined> {
  try {
    return bytes[0] === 0x50 ? decodePpm(bytes) : await decodePng(bytes);
  } catch (error) {
    // tesseract reads more kinds of pictures than the driver.
    if (!(error instanceof TypeError)) throw error;
  }
}

/**
 * Makes the hypervisor, or a program in the guest, write a picture to a file.
 */
async function takePicture(core: MachineCore, path: string): Promise<void> {
  const { screen } = core.running().guest;
  if (screen !== undefined) {
    return await core.guarded(() => screen.takePicture(path));
  }
  await Deno.writeFile(path, await lookInside(core));
}

/**
 * Takes a picture for a report: it is no failure if the guest has no screen, or
 * does not answer.
 *
 * @param path The absolute path of a file.
 * @param seconds How long a guest may take that has no screen of its hypervisor.
 * @returns Whether there is a picture.
 * @throws {UsageError} if the way to the file leads through a link below the
 * output directory.
 * @throws {MachineError} if the hypervisor gives none.
 */
export async function glimpseScreen(
  core: MachineCore,
  path: string,
  seconds: number,
): Promise<boolean> {
  claimPlace(core, path);
  const { screen } = core.running().guest;
  if (screen !== undefined) {
    await screen.takePicture(path);
    return true;
  }
  const picture = await glimpseInside(core, seconds);
  if (picture === undefined) return false;
  await Deno.writeFile(path, picture);
  return true;
}

async function lookAt(
  core: MachineCore,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (core.running().guest.screen === undefined) {
    return await lookInside(core, signal);
  }
  const path = `${core.stateDir}/screen-${crypto.randomUUID()}.png`;
  try {
    await takePicture(core, path);
    return await Deno.readFile(path);
  } finally {
    await Deno.remove(path).catch(() => {});
  }
}

async function recognise(
  picture: Uint8Array,
  mode: number,
  density: number,
  signal?: AbortSignal,
): Promise<string> {
  if (signal?.aborted) return "";
  let output;
  try {
    const process = new Deno.Command("tesseract", {
      args: ["-", "-", "--psm", String(mode), "--dpi", String(density)],
      // With one thread each, several readings at once share the processors
      // well.
      env: { OMP_THREAD_LIMIT: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal,
    }).spawn();
    const writer = process.stdin.getWriter();
    // If tesseract ends early, its stderr tells why.
    writer.write(picture).then(() => writer.close()).catch(() => {});
    output = await process.output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new MachineError(
      "Reading text from the screen needs tesseract, which is not on PATH " +
        "(Debian: apt-get install tesseract-ocr; NixOS tests: enableOCR = true)",
    );
  }
  if (output.success) return new TextDecoder().decode(output.stdout);
  if (signal?.aborted) return "";
  throw new MachineError(
    `tesseract can't read the screenshot: ${
      new TextDecoder().decode(output.stderr).trim()
    }`,
  );
}
