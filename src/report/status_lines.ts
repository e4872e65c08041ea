import type { Activity, Doing } from "./activity.ts";
import { cut, oneLine, plainLines } from "./plain_lines.ts";

/**
 * The lines below a log that tell what goes on: the steps of the script, and
 * what each machine does.
 *
 * @param activity What goes on.
 * @param width How many characters a line may have.
 * @param dimmed Makes a text less bright.
 */
export function statusLines(
  { now, around, machines }: Activity,
  width: number,
  dimmed: (text: string) => string,
): string[] {
  const name = Math.max(
    0,
    ...machines.map(({ machine }) => oneLine(machine!).length),
  );
  const shown = (doing: Doing, label: string) => {
    const since = now - doing.since;
    const [first, ...more] = plainLines(doing.text);
    const what = `${label}${first}${more.length > 0 ? " …" : ""}`;
    const time = since >= 1 ? ` ${Math.floor(since)} s` : "";
    const last = doing.last === undefined ? "" : ` · ${doing.last}`;
    const head = cut(what, width - time.length) + time;
    return head + dimmed(cut(last, width - [...head].length));
  };
  return [
    ...around.slice(-2).map((doing) => shown(doing, "")),
    ...machines.map((doing) =>
      shown(doing, `${oneLine(doing.machine!).padEnd(name)}  `)
    ),
  ];
}
