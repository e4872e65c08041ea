import { UsageError } from "../errors.ts";
import type { RunEvent } from "./event.ts";
import { eventFileHeader, type WrittenPicture } from "./event_file.ts";

/** An event as it stands in a file. */
export type WrittenEvent = RunEvent & { readonly picture?: WrittenPicture };

/** How a file of events ended. */
export interface EventFileEnd {
  /** How many events there were. */
  readonly events: number;
  /** Whether the last line is not whole: its writer was killed. */
  readonly truncated: boolean;
}

/** Characters of a line that is read at most: pictures stand in lines. */
const longestLine = 64 * 1024 * 1024;

/**
 * Reads a file that `EventFileListener` has written, even if its writer was
 * killed in the middle of a line. This takes no more memory for a larger file.
 *
 * @param path Path of the file.
 * @param take Gets each event in turn.
 * @returns How the file ended.
 * @throws {UsageError} if it is not a file of events, or of a later version.
 */
export async function readEventFile(
  path: string,
  take: (event: WrittenEvent) => void,
): Promise<EventFileEnd> {
  let file;
  try {
    file = await Deno.open(path);
  } catch (error) {
    throw new UsageError(
      `Expected a file of events in ${path}: ${(error as Error).message}`,
    );
  }
  let events = 0;
  let number = 0;
  let rest = "";
  const line = (text: string) => {
    if (++number === 1) return checkHeader(path, text);
    let event: WrittenEvent;
    try {
      event = JSON.parse(text);
    } catch {
      throw new UsageError(
        `Expected JSON in line ${number} of ${path}, got ${
          JSON.stringify(text.slice(0, 40))
        }`,
      );
    }
    // This skips events of an unknown kind, which a later version may write.
    if (typeof event?.type !== "string" || typeof event.time !== "number") {
      return;
    }
    events++;
    take(event);
  };
  const text = file.readable.pipeThrough(new TextDecoderStream());
  for await (const chunk of text) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const one of lines) line(one);
    if (rest.length > longestLine) {
      throw new UsageError(
        `Expected lines of at most ${longestLine} characters in ${path}`,
      );
    }
  }
  if (number === 0) checkHeader(path, rest);
  return { events, truncated: rest !== "" };
}

function checkHeader(path: string, text: string): void {
  let header: Partial<typeof eventFileHeader> | undefined;
  try {
    header = JSON.parse(text);
  } catch {
    // The line is something else.
  }
  const { format, version } = eventFileHeader;
  if (header?.format !== format) {
    throw new UsageError(
      `Expected ${path} to begin with {"format":"${format}",…}, got ${
        JSON.stringify(text.slice(0, 40))
      }`,
    );
  }
  if (header.version !== version) {
    throw new UsageError(
      `Expected version ${version} of the events in ${path}, got ${
        JSON.stringify(header.version)
      }`,
    );
  }
}
