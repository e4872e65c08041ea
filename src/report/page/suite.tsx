import { useState } from "preact/hooks";
import type {
  SuiteAttemptOverview,
  SuiteOverview,
  SuitePastRun,
  SuiteTestOverview,
} from "../page_format.ts";
import { suiteTestVerdicts } from "../page_format.ts";
import { seconds } from "./model.ts";
import { StateSign } from "./tree.tsx";

/** A suite on one page: what became of each test, now and before. */
export function Suite({ suite }: { suite: SuiteOverview }) {
  const [words, setWords] = useState("");
  const [verdict, setVerdict] = useState("");
  const shown = suite.tests.filter((test) =>
    test.name.toLowerCase().includes(words.toLowerCase()) &&
    (verdict === "" || test.verdict === verdict)
  );
  const counts = suiteTestVerdicts.map((one) =>
    [one, suite.tests.filter((test) => test.verdict === one).length] as const
  ).filter(([, count]) => count > 0);
  return (
    <main class="runs suite">
      <header class={`top ${suite.passed ? "passed" : "failed"}`}>
        <h1>
          <span class="verdict">{suite.passed ? "passed" : "failed"}</span>
          <bdi>{suite.name}</bdi>
        </h1>
        <p>
          {suite.tests.length} {suite.tests.length === 1 ? "test" : "tests"}:
          {" "}
          {counts.map(([one, count]) => `${count} ${one}`).join(", ")}
          {"; begun "}
          {moment(suite.date)}, {seconds(suite.time)}
        </p>
      </header>
      {suite.notes.map((note) => <p class="note" key={note}>{note}</p>)}
      <p class="choice">
        <input
          type="search"
          placeholder="name of a test"
          aria-label="Name of a test"
          value={words}
          onInput={(event) => setWords(event.currentTarget.value)}
        />{" "}
        <select
          aria-label="Verdict"
          value={verdict}
          onChange={(event) => setVerdict(event.currentTarget.value)}
        >
          <option value="">all verdicts</option>
          {counts.map(([one]) => <option key={one} value={one}>{one}</option>)}
        </select>
      </p>
      <div class="matrix" tabIndex={0} role="region" aria-label="Tests">
        <table>
          <thead>
            <tr>
              <th scope="col">test</th>
              <th scope="col">verdict</th>
              <th scope="col">attempts</th>
              <th scope="col">last runs</th>
              <th scope="col">history</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((test) => <Test key={test.name} test={test} />)}
          </tbody>
        </table>
      </div>
    </main>
  );
}

function Test({ test }: { test: SuiteTestOverview }) {
  return (
    <tr>
      <th scope="row">
        <bdi>{test.name}</bdi>
      </th>
      <td class={`cell ${test.verdict}`}>
        <StateSign state={test.verdict} /> {test.verdict}, {seconds(test.time)}
        {test.reason !== undefined && <small>{test.reason}</small>}
      </td>
      <td>
        {test.attempts.map((attempt, i) => (
          <Attempt key={i} attempt={attempt} number={i + 1} />
        ))}
      </td>
      <td class="past">
        {test.past.map((run, i) => <Past key={i} run={run} />)}
      </td>
      <td>{test.trend}</td>
    </tr>
  );
}

function Attempt({ attempt: { verdict, time, run, link }, number }: {
  attempt: SuiteAttemptOverview;
  number: number;
}) {
  const href = run === undefined ? link : `#run=${run}`;
  const text = `${number}: ${verdict}, ${seconds(time)}`;
  return (
    <div class={`attempt ${verdict}`}>
      {href === undefined ? text : <a href={href}>{text}</a>}
    </div>
  );
}

function Past({ run: { verdict, date, time } }: { run: SuitePastRun }) {
  return (
    <span title={`${moment(date)}: ${verdict}, ${seconds(time)}`}>
      <StateSign state={verdict} />
    </span>
  );
}

function moment(date: number): string {
  return `${new Date(date).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
