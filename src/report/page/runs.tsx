import type {
  PageOverview,
  RunSummary,
  SubtestSummary,
} from "../page_format.ts";
import { seconds } from "./model.ts";
import { StateSign } from "./tree.tsx";

/** Many runs on one page: what failed where. */
export function Runs({ overview: { runs }, onRun }: {
  overview: PageOverview;
  onRun: (run: number, step?: number) => void;
}) {
  const groups = groupsOf(runs);
  const failed = runs.filter(({ verdict }) => verdict !== "passed").length;
  return (
    <main class="runs">
      <header class={`top ${failed === 0 ? "passed" : "failed"}`}>
        <h1>
          <span class="verdict">
            {failed === 0 ? "passed" : `${failed} not passed`}
          </span>
          {runs.length} runs of {groups.length}{" "}
          {groups.length === 1 ? "test" : "tests"}
        </h1>
      </header>
      {groups.map((group) => (
        <Group key={group.name} group={group} onRun={onRun} />
      ))}
    </main>
  );
}

interface Group {
  readonly name: string;
  readonly runs: readonly {
    readonly run: RunSummary;
    readonly number: number;
  }[];
}

function groupsOf(runs: readonly RunSummary[]): Group[] {
  const groups = new Map<string, { run: RunSummary; number: number }[]>();
  runs.forEach((run, number) => {
    const group = groups.get(run.name) ?? [];
    group.push({ run, number });
    groups.set(run.name, group);
  });
  return [...groups].map(([name, runs]) => ({
    name,
    // Over time, that of today last.
    runs: runs.sort((a, b) => a.run.date - b.run.date),
  }));
}

function Group({ group: { name, runs }, onRun }: {
  group: Group;
  onRun: (run: number, step?: number) => void;
}) {
  const paths = [
    ...new Set(runs.flatMap(({ run }) => run.subtests.map(({ path }) => path))),
  ];
  const verdicts = runs.map(({ run }) => run.verdict === "passed");
  return (
    <section class="group">
      <h2>
        <bdi>{name}</bdi> <Stability passed={verdicts} />
      </h2>
      <div
        class="matrix"
        tabIndex={0}
        role="region"
        aria-label={`Runs of ${name}`}
      >
        <table>
          <thead>
            <tr>
              <th scope="col">subtest</th>
              {runs.map(({ run, number }) => (
                <th scope="col" key={number}>
                  <a href={`#run=${number}`} onClick={() => onRun(number)}>
                    <bdi>{run.label}</bdi>
                  </a>
                  <small>
                    {new Date(run.date).toISOString().slice(0, 16).replace(
                      "T",
                      " ",
                    )}
                  </small>
                </th>
              ))}
              <th scope="col">stability</th>
            </tr>
          </thead>
          <tbody>
            <tr class="whole">
              <th scope="row">the whole run</th>
              {runs.map(({ run, number }) => (
                <Cell
                  key={number}
                  state={run.verdict}
                  time={run.time}
                  error={run.error}
                  href={`#run=${number}`}
                  onClick={() => onRun(number)}
                />
              ))}
              <td>
                <Stability passed={verdicts} />
              </td>
            </tr>
            {paths.map((path) => {
              const own = runs.map(({ run }) =>
                run.subtests.find((one) => one.path === path)
              );
              return (
                <tr key={path}>
                  <th scope="row">
                    <bdi>{path}</bdi>
                  </th>
                  {own.map((subtest, i) =>
                    subtest === undefined
                      ? <td key={i} class="absent">–</td>
                      : (
                        <Cell
                          key={i}
                          {...subtest}
                          href={`#run=${runs[i].number}&step=${subtest.id}`}
                          onClick={() => onRun(runs[i].number, subtest.id)}
                        />
                      )
                  )}
                  <td>
                    <Stability
                      passed={own.filter((one): one is SubtestSummary =>
                        one !== undefined
                      ).map(({ state }) => state === "passed")}
                    />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Cell({ state, time, error, href, onClick }: {
  state: string;
  time: number;
  error?: string;
  href: string;
  onClick: () => void;
}) {
  return (
    <td class={`cell ${state}`}>
      <a href={href} onClick={onClick} title={error}>
        <StateSign state={state} /> {seconds(time)}
        {error !== undefined && <small>{error}</small>}
      </a>
    </td>
  );
}

/** Whether something passes always, never, or sometimes. */
function Stability({ passed }: { passed: readonly boolean[] }) {
  const good = passed.filter((one) => one).length;
  if (good === passed.length) return <span class="tag passed">stable</span>;
  if (good === 0) return <span class="tag failed">fails</span>;
  // Whether it changed once, or again and again.
  const turns =
    passed.filter((one, i) => i > 0 && one !== passed[i - 1]).length;
  const word = turns > 1 ? "flaky" : passed.at(-1) ? "mended" : "broke";
  return <span class="tag flaky">{word}: {good} of {passed.length} passed
  </span>;
}
