import type { Driver } from "../driver/mod.ts";
import { coreOf, type MachineCore } from "../machine/mod.ts";
import { fileName } from "../machine/file_name.ts";
import { decodePng } from "../machine/hands/picture.ts";
import { glimpseScreen } from "../machine/hands/screen.ts";
import type { Listener, Log, RunEvent } from "../report/mod.ts";
import { after, within } from "../time/mod.ts";
import { differByCursor } from "./cursor.ts";
import type { ScreenshotMode } from "./screenshot_mode.ts";

/** How {@linkcode ScreenRecorder} records. */
export interface RecorderOptions {
  /** When pictures are taken. */
  readonly mode: ScreenshotMode;
  /** Whether each machine's pictures become a video in the end. */
  readonly video: boolean;
  /** Where pictures and videos go. */
  readonly outDir: string;
}

/** Seconds between two pictures of a video, by default. */
const VIDEO_INTERVAL = 1;
/** Pictures of a machine that are kept at most. */
const MOST = 2000;
/** Seconds that a picture may take. */
const PATIENCE = 10;
/** Seconds that a video shows its last picture. */
const LAST = 2;
/** Seconds that ffmpeg may take for a video. */
const VIDEO_PATIENCE = 300;

/** A machine whose screen is recorded. */
interface Film {
  readonly core: MachineCore;
  readonly log: Log;
  readonly frames: Frame[];
  /** The last picture that was kept, decoded. */
  last?: Uint8Array;
  /** Settled when no picture is being taken. */
  taking?: Promise<void>;
  /** The step after which one more picture is wanted; `null`: no step. */
  wanted?: number | null;
}

/** A picture that was kept. */
interface Frame {
  readonly path: string;
  /** When it was taken, in seconds of the run. */
  readonly time: number;
}

/**
 * Takes pictures of the machines' screens while a run goes on, and keeps those
 * that show something new. Nobody waits for it: if the next picture is due
 * before one is done, the next is left out.
 */
export class ScreenRecorder implements Listener {
  /** See {@linkcode Listener.takesPlaces}. */
  readonly takesPlaces = false;
  readonly #options: RecorderOptions;
  readonly #drivers: Driver[] = [];
  readonly #films = new Map<MachineCore, Film>();
  readonly #seconds: number | undefined;
  #cancel = () => {};
  #isOver = false;

  /** Takes how to record. */
  constructor(options: RecorderOptions) {
    this.#options = options;
    const { mode, video } = options;
    this.#seconds = typeof mode === "object"
      ? mode.interval
      : video && mode === "failed"
      ? VIDEO_INTERVAL
      : undefined;
  }

  /** Records the machines of a driver from now on. */
  add(driver: Driver): void {
    this.#drivers.push(driver);
    if (this.#drivers.length === 1) this.#tick();
  }

  /** See {@linkcode Listener.on}. */
  on(event: RunEvent): void {
    if (this.#options.mode !== "steps" || event.type !== "stepEnded") return;
    for (const film of this.#running()) {
      if (event.machine === undefined || event.machine === film.core.name) {
        this.#take(film, event.id);
      }
    }
  }

  /**
   * Takes no more pictures, and makes the videos.
   *
   * @param log Gets messages about the videos.
   */
  async end(log: Log): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancel();
    const films = [...this.#films.values()];
    await within(PATIENCE, Promise.all(films.map(({ taking }) => taking)));
    if (!this.#options.video) return;
    const shown = films.filter(({ frames }) => frames.length > 0);
    for (const film of shown) {
      const { name } = film.core;
      const path = `${this.#options.outDir}/${fileName(name)}.webm`;
      const complaint = await makeVideo(film.frames, path, log.time);
      if (complaint === undefined) {
        log.attachment(`video of ${name}`, { path, machine: name });
        continue;
      }
      log.warning(complaint);
      return;
    }
  }

  #tick(): void {
    if (this.#seconds === undefined || this.#isOver) return;
    for (const film of this.#running()) this.#take(film, null);
    this.#cancel = after(this.#seconds, () => this.#tick());
  }

  #running(): Film[] {
    return this.#drivers.flatMap((driver) =>
      driver.machinesMade.filter(({ booted }) => booted).map((machine) => {
        const core = coreOf(machine);
        let film = this.#films.get(core);
        if (film === undefined) {
          film = { core, log: driver.log, frames: [] };
          this.#films.set(core, film);
        }
        return film;
      })
    );
  }

  #take(film: Film, step: number | null): void {
    if (this.#isOver || film.frames.length >= MOST) return;
    if (film.taking !== undefined) {
      film.wanted = step;
      return;
    }
    film.taking = this.#picture(film, step).catch(() => {
      // The machine has just ended.
    }).finally(() => {
      const { wanted } = film;
      film.taking = film.wanted = undefined;
      if (wanted !== undefined) this.#take(film, wanted);
    });
  }

  async #picture(film: Film, step: number | null): Promise<void> {
    const { core, log, frames } = film;
    const directory = `${this.#options.outDir}/screens`;
    await Deno.mkdir(directory, { recursive: true });
    const number = String(frames.length + 1).padStart(4, "0");
    const path = `${directory}/${fileName(core.name)}-${number}.png`;
    const { time } = log;
    try {
      if (!await glimpseScreen(core, path, PATIENCE)) return;
    } catch (error) {
      await Deno.remove(path).catch(() => {});
      throw error;
    }
    const bytes = await Deno.readFile(path);
    if (film.last !== undefined && await isSame(film.last, bytes)) {
      await Deno.remove(path);
      return;
    }
    film.last = bytes;
    frames.push({ path, time });
    const tell = () => log.screenshot(core.name, path);
    if (step === null) tell();
    else log.within({ id: step }, tell);
  }
}

/** Whether a picture shows nothing new. */
async function isSame(one: Uint8Array, other: Uint8Array): Promise<boolean> {
  const isEqual = one.length === other.length &&
    one.every((byte, at) => byte === other[at]);
  if (isEqual) return true;
  try {
    const pictures = await Promise.all([one, other].map(decodePng));
    return differByCursor(pictures[0], pictures[1]);
  } catch {
    // Of a kind of PNG that is not read here, each is new.
    return false;
  }
}

/** The size of a picture in PNG. */
async function sizeOf(path: string): Promise<[width: number, height: number]> {
  const bytes = await Deno.readFile(path);
  const view = new DataView(bytes.buffer);
  return [view.getUint32(16), view.getUint32(20)];
}

/**
 * Makes a video of pictures, each shown as long as it was on the screen.
 *
 * @param frames The pictures.
 * @param path Where the video goes.
 * @param end When the last was taken from the screen, in seconds of the run.
 * @returns Why there is none, as a sentence.
 */
async function makeVideo(
  frames: readonly Frame[],
  path: string,
  end: number,
): Promise<string | undefined> {
  const sizes = await Promise.all(frames.map(({ path }) => sizeOf(path)));
  const even = (numbers: number[]) => 2 * Math.ceil(Math.max(...numbers) / 2);
  const size = [0, 1].map((at) => even(sizes.map((one) => one[at])));
  const list = frames.map(({ path, time }, at) => {
    const until = frames[at + 1]?.time ?? Math.max(end, time + LAST);
    const quoted = path.replaceAll("'", "'\\''");
    return `file 'file:${quoted}'\nduration ${(until - time).toFixed(3)}\n`;
  });
  // The last picture stands twice, or its duration would not count.
  list.push(list.at(-1)!.replace(/\nduration .*\n$/, "\n"));
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("ffmpeg", {
      args: [
        ...["-nostdin", "-v", "error", "-y", "-f", "concat", "-safe", "0"],
        ...["-protocol_whitelist", "file,pipe", "-i", "pipe:0"],
        "-vf",
        `scale=${size.join(":")}:force_original_aspect_ratio=decrease,` +
        `pad=${size.join(":")}:(ow-iw)/2:(oh-ih)/2,format=yuv420p`,
        ...["-fps_mode", "vfr", "-c:v", "libvpx", "-crf", "20", "-b:v", "1M"],
        ...["-f", "webm", path],
      ],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
      signal: AbortSignal.timeout(VIDEO_PATIENCE * 1000),
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "there is no video: ffmpeg is not on PATH";
  }
  const writer = child.stdin.getWriter();
  writer.write(new TextEncoder().encode(list.join("")))
    .then(() => writer.close()).catch(() => {
      // It has ended, and says why.
    });
  const { success, stderr } = await child.output();
  if (success) return;
  const why = new TextDecoder().decode(stderr).trim().split("\n").at(-1);
  return `there is no video: ffmpeg failed: ${why}`;
}
