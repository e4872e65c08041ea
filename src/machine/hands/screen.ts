import { baseName } from "../../paths.ts";
import { MachineError, TestFailure } from "../../errors.ts";
import { after, delay, limitOf } from "../../time/mod.ts";
import type { MachineCore } from "../core.ts";
import { withLook } from "../last_look.ts";
import { refuseOwn } from "../files/files.ts";
import { brightness, enlarged, standingOut } from "./legible.ts";
import {
  decodePng,
  decodePpm,
  encodePgm,
  type GreyPicture,
  type Picture,
} from "./picture.ts";
import { DEFAULT_TIMEOUT, type WaitOptions } from "../waits/timeout.ts";

/** How much larger text is made: tesseract knows letters of 30 points best. */
const FACTOR = 3;
/** Points of a screen on an inch, as far as tesseract asks. */
const DENSITY = 72;
/** Screens that are known when they are seen again. */
const REMEMBERED = 4;
/** Seconds between two looks at a screen that stays as it is. */
const PAUSE = 0.1;

/** tesseract's page segmentation: text anywhere, in whatever order. */
const ANYWHERE = 11;
/** Text in blocks, as on a page, also beside patterns that are no text. */
const IN_BLOCKS = 3;

/** A way to read a picture. */
interface Way {
  /** Makes the picture ready; nothing where it is read as it is. */
  ready(picture: Picture): GreyPicture | undefined;
  /** The page segmentation. */
  mode: number;
}

/**
 * The ways to make a picture ready for a reading, the one that reads most first.
 * Each sees what others miss: of small and coloured text the first, of text that
 * is large already the second, and the third of text before a photograph.
 */
const WAYS: Way[] = [
  {
    ready: (picture) => enlarged(standingOut(picture), FACTOR),
    mode: ANYWHERE,
  },
  { ready: () => undefined, mode: IN_BLOCKS },
  { ready: (picture) => enlarged(brightness(picture), FACTOR), mode: ANYWHERE },
];

/** The first ways, of which the better reading is taken where one is asked for. */
const CANDIDATES = 2;

/** See {@linkcode QemuMachine.screenshot}. */
export function screenshot(core: MachineCore, filename: string): Promise<void> {
  let path = filename.includes(".") ? filename : `${filename}.png`;
  if (!path.includes("/")) path = `${core.context.outDir}/${path}`;
  return core.nested(`making screenshot ${path}`, async () => {
    refuseOwn(core, path);
    await core.screendump(path);
    core.log.screenshot(core.name, path);
  }, { image: baseName(path) });
}

/** What the text on the screen may be, in one reading or in all of them. */
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
 * @param options.variants Whether to tell what each of several ways has read. Default: the
 * reading with the most letters and digits.
 * @returns The readings.
 * @throws {MachineError} where tesseract is missing, or can't read the picture.
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

/** How many letters a reading's words have; what is shorter may be no text. */
function legible(reading: string): number {
  return reading.match(/[\p{L}\p{N}]{3,}/gu)?.join("").length ?? 0;
}

/**
 * Waits until a reading of the screen is accepted.
 *
 * @param accept Whether a reading is what is waited for.
 * @param text What the log says of the wait.
 * @param failure What the error says of its end.
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
    core.nested(text, async () => {
      const over = new AbortController();
      const search = new Search(
        async () => {
          await check();
          return await lookAt(core);
        },
        accept,
        AbortSignal.any([signal, over.signal]),
      );
      try {
        const seen = () => JSON.stringify(search.seen);
        if (await withLook(core.name, seen, () => search.run(timeout))) return;
      } finally {
        over.abort();
        await search.ended;
      }
      throw new TestFailure(
        `${failure} in ${timeout} seconds; last seen:\n${
          JSON.stringify(search.seen)
        }`,
      );
    })
  );
}

/**
 * Looks for a text on a screen that may change meanwhile. Side by side, one reads
 * each new screen in the first way, and one reads what has stayed in all others.
 */
class Search {
  readonly #look: () => Promise<Uint8Array>;
  readonly #accept: (reading: string) => boolean;
  readonly #signal: AbortSignal;
  readonly #found = Promise.withResolvers<boolean>();
  /** What was seen before, some of which comes again where a cursor blinks. */
  readonly #shots: Shot[] = [];
  #shot?: Shot;
  #last = false;
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

  /** Resolved when nothing of the search goes on any more. */
  get ended(): Promise<unknown> {
    return this.#ended;
  }

  /** What was read of the last screen. */
  get seen(): string[] {
    return this.#shot?.readings ?? [];
  }

  /** Answers whether the text came in time. */
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

  /** Reads each new screen; when the time is over, the last one. */
  async #readNew(): Promise<void> {
    while (!this.#over) {
      const bytes = await this.#look();
      const known = this.#shots.find((shot) => shot.isOf(bytes));
      if (known !== undefined) {
        this.#shot = known;
        if (this.#last) return;
        await delay(PAUSE, this.#signal);
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

  /** Reads the last screen in the other ways, when it was read in the first. */
  async #readRest(): Promise<void> {
    while (!this.#over) {
      const shot = this.#shot;
      const way = shot === undefined ? -1 : shot.unread;
      if (shot !== undefined && way >= 0) {
        this.#take(await shot.read(way));
      } else if (this.#last && shot !== undefined) {
        return;
      } else {
        await delay(PAUSE, this.#signal);
      }
    }
  }

  get #over(): boolean {
    return this.#signal.aborted;
  }

  #take(reading: string): void {
    if (!this.#over && this.#accept(reading)) this.#found.resolve(true);
  }
}

/** A picture of a screen, and what was read in it. */
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

  /** What was read so far. */
  get readings(): string[] {
    return [...this.#texts.values()];
  }

  /** A way in which it was not read, or -1. */
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

/** The points of a picture, where it is one of those that QEMU makes. */
async function decode(bytes: Uint8Array): Promise<Picture | undefined> {
  try {
    return bytes[0] === 0x50 ? decodePpm(bytes) : await decodePng(bytes);
  } catch (error) {
    // tesseract knows more kinds than we do.
    if (!(error instanceof TypeError)) throw error;
  }
}

async function lookAt(core: MachineCore): Promise<Uint8Array> {
  const path = `${core.stateDir}/screen-${crypto.randomUUID()}.png`;
  try {
    await core.screendump(path);
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
      // Several readings at once share the processors well enough.
      env: { OMP_THREAD_LIMIT: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal,
    }).spawn();
    const writer = process.stdin.getWriter();
    // One that ends early says why.
    writer.write(picture).then(() => writer.close()).catch(() => {});
    output = await process.output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new MachineError(
      "Reading text from the screen takes tesseract, which is not on PATH " +
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
