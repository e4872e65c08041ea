import type { Activity, Doing } from "./activity.ts";
import { columnsOf, cut } from "./columns.ts";
import { oneLine, plainLines } from "./plain_lines.ts";

/** Seconds after which a command's last lines are shown below it. */
const patience = 2;
/** What machines do at most, if that is shown with several lines each. */
const fewest = 3;

/**
 * The lines below a log that show the present: the steps of the script, and
 * what each machine does, with its last lines if that takes long and there is
 * room.
 *
 * @param activity The present activity.
 * @param width How many columns of the terminal a line may take.
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
    return head + dimmed(cut(last, width - columnsOf(head)));
  };
  const several = (doing: Doing) => {
    const { machine, printed = [], since } = doing;
    const label = `${oneLine(machine!).padEnd(name)}  `;
    const isLong = now - since >= patience && printed.length > 1 &&
      machines.length <= fewest;
    if (!isLong) return [shown(doing, label)];
    const indent = " ".repeat(label.length);
    return [
      shown({ ...doing, last: undefined }, label),
      ...printed.map((line) =>
        indent + dimmed(cut(line, width - indent.length))
      ),
    ];
  };
  return [
    ...around.slice(-2).map((doing) => shown(doing, "")),
    ...machines.flatMap(several),
  ];
}
