import {
  type Filter,
  type KindFilter,
  kindFilters,
  type Model,
} from "./model.ts";

/** The choice of the steps that are listed. */
export function Filters({ model, filter, onFilter }: {
  model: Model;
  filter: Filter;
  onFilter: (filter: Filter) => void;
}) {
  const flip = (machine: number) => {
    const hidden = new Set(filter.hidden);
    if (!hidden.delete(machine)) hidden.add(machine);
    onFilter({ ...filter, hidden });
  };
  return (
    <div class="filters">
      <select
        aria-label="Kind of steps"
        value={filter.kind}
        onChange={(event) =>
          onFilter({
            ...filter,
            kind: event.currentTarget.value as KindFilter,
          })}
      >
        {Object.entries(kindFilters).map(([value, text]) => (
          <option key={value} value={value}>{text}</option>
        ))}
      </select>
      <select
        aria-label="Verdict of steps"
        value={filter.state}
        onChange={(event) =>
          onFilter({
            ...filter,
            state: event.currentTarget.value as Filter["state"],
          })}
      >
        <option value="all">all verdicts</option>
        <option value="failed">failed</option>
        <option value="passed">passed</option>
        <option value="unfinished">unfinished</option>
      </select>
      <details class="chooser">
        <summary>
          {filter.hidden.size === 0
            ? "all machines"
            : `${
              model.lanes.length - filter.hidden.size
            } of ${model.lanes.length} lanes`}
        </summary>
        <div class="machines" role="group" aria-label="Machines">
          {model.lanes.map(({ machine, name }) => (
            <label key={machine}>
              <input
                type="checkbox"
                checked={!filter.hidden.has(machine)}
                onChange={() => flip(machine)}
              />
              <bdi>{name}</bdi>
            </label>
          ))}
        </div>
      </details>
    </div>
  );
}
