import type { Chunks } from "./chunks.ts";
import { LineList } from "./lines.tsx";
import type { Model, Step } from "./model.ts";

/** The console of a machine. */
export function Console(
  { model, data, machine, line, query, selected, onMachine, onLine, onStep }: {
    model: Model;
    data: Chunks;
    machine: number;
    line: number | undefined;
    query: RegExp | undefined;
    selected: Step | undefined;
    onMachine: (machine: number) => void;
    onLine: (line: number) => void;
    onStep: () => void;
  },
) {
  const { machines } = model.run;
  const shown = machines[machine];
  if (shown === undefined) return <p class="nothing">There is no machine.</p>;
  return (
    <>
      <div class="bar">
        <select
          aria-label="Machine"
          value={machine}
          onChange={(event) => onMachine(Number(event.currentTarget.value))}
        >
          {machines.map(({ name }, i) => (
            <option key={i} value={i}>{name}</option>
          ))}
        </select>
        <span>
          {(shown.chunks.at(-1)?.first ?? 0) +
            (shown.chunks.at(-1)?.count ?? 0)} lines
        </span>
        {shown.omitted !== undefined && (
          <span class="bad">{shown.omitted} in the middle left out</span>
        )}
        {shown.link !== undefined && (
          <a class="file" href={shown.link}>the file</a>
        )}
        {selected !== undefined && (
          <button type="button" onClick={onStep}>to the chosen step</button>
        )}
      </div>
      <LineList
        key={machine}
        label={`Console of ${shown.name}`}
        data={data}
        chunks={shown.chunks}
        focus={line}
        query={query}
        onLine={onLine}
        during={selected && { from: selected.began, to: selected.ended }}
      />
    </>
  );
}
