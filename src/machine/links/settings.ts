import { UsageError } from "../../errors.ts";

/** The settings of a link; see {@linkcode Link.set}. */
export interface LinkSettings {
  /**
   * Seconds by which each frame is late.
   *
   * @default {0}
   */
  delay?: number;
  /**
   * Seconds by which the delay varies in both directions, at most, evenly
   * distributed. Frames keep their order.
   *
   * @default {0}
   */
  jitter?: number;
  /**
   * The fraction of lost frames, from 0 to 1.
   *
   * @default {0}
   */
  loss?: number;
  /**
   * The fraction of frames that arrive twice, from 0 to 1.
   *
   * @default {0}
   */
  duplicate?: number;
  /**
   * The fraction of frames, from 0 to 1, that arrive after frames sent up to 20
   * ms later.
   *
   * @default {0}
   */
  reorder?: number;
  /**
   * The fraction of frames with one changed bit, from 0 to 1.
   *
   * @default {0}
   */
  corrupt?: number;
  /**
   * Bits a second that pass; no limit if nothing is given. The link drops a
   * frame that would wait for more than a second, as a router with a full
   * buffer does.
   */
  bandwidth?: number;
  /**
   * The direction of the frames, as the machine sees it.
   *
   * @default {"both"}
   */
  direction?: "send" | "receive" | "both";
}

/** The complete settings for one direction. */
export type Impairments = Required<Omit<LinkSettings, "direction">>;

const NONE: Impairments = {
  delay: 0,
  jitter: 0,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  corrupt: 0,
  bandwidth: Infinity,
};

const DIRECTIONS = ["both", "send", "receive"] as const;
const FRACTIONS = ["loss", "duplicate", "reorder", "corrupt"] as const;

/**
 * The settings for each direction: nothing for a direction that they do not
 * concern, `null` for one whose settings they remove.
 *
 * @throws {UsageError} if a setting is not valid.
 */
export function impairments(
  { direction = "both", ...settings }: LinkSettings,
): Partial<Record<"send" | "receive", Impairments | null>> {
  for (const [name, value] of Object.entries(settings)) {
    if (!Object.hasOwn(NONE, name)) {
      throw new UsageError(
        `Expected settings of a link among ${
          Object.keys(NONE).join(", ")
        } and direction, got ${name}`,
      );
    }
    if (value === undefined) continue;
    const isFraction = (FRACTIONS as readonly string[]).includes(name);
    const isRight = typeof value === "number" && value >= 0 &&
      (isFraction
        ? value <= 1
        : name === "bandwidth"
        ? value > 0
        : value < Infinity);
    if (isRight) continue;
    const wanted = isFraction
      ? "a fraction from 0 to 1"
      : name === "bandwidth"
      ? "bits in a second, more than 0,"
      : "seconds, 0 or more,";
    throw new UsageError(
      `Expected ${wanted} as the ${name} of a link, got ${Deno.inspect(value)}`,
    );
  }
  if (!DIRECTIONS.includes(direction)) {
    throw new UsageError(
      `Expected "send", "receive" or "both" as the direction of a link, got ${
        Deno.inspect(direction)
      }`,
    );
  }
  const all = { ...NONE };
  for (const [name, value] of Object.entries(settings)) {
    if (value !== undefined) all[name as keyof Impairments] = value;
  }
  const isNone = (Object.keys(NONE) as (keyof Impairments)[])
    .every((name) => all[name] === NONE[name]);
  const meant = isNone ? null : all;
  return {
    ...direction === "receive" ? {} : { send: meant },
    ...direction === "send" ? {} : { receive: meant },
  };
}

/** Describes settings, for example `delay 50 ms, loss 20 %, what it sends`. */
export function describeSettings(settings: LinkSettings): string {
  const { delay, jitter, bandwidth, direction } = settings;
  const seconds = (value: number) =>
    `${Number((value * 1000).toPrecision(6))} ms`;
  const percent = (value: number) =>
    `${Number((value * 100).toPrecision(6))} %`;
  const parts = [
    delay && `delay ${seconds(delay)}`,
    jitter && `jitter ${seconds(jitter)}`,
    ...FRACTIONS.map((name) =>
      settings[name] && `${name} ${percent(settings[name])}`
    ),
    bandwidth && bandwidth < Infinity && `bandwidth ${bandwidth} bit/s`,
  ].filter(Boolean);
  if (parts.length === 0) parts.push("nothing set");
  if (direction === "send") parts.push("for what it sends");
  if (direction === "receive") parts.push("for what it receives");
  return parts.join(", ");
}
