import { useEffect, useState } from "preact/hooks";
import type {
  PageCommand,
  PageShot,
  RecordPlace,
  StepRecord,
} from "../page_format.ts";
import type { Chunks } from "./chunks.ts";
import { lineAt, LineList } from "./lines.tsx";
import { clock, type Model, seconds, type Step } from "./model.ts";
import { StateSign } from "./tree.tsx";

/** Something that is read from a chunk. */
export function useRead<T>(
  read: () => Promise<T> | undefined,
  key: unknown,
): T | undefined {
  const [value, setValue] = useState<{ key: unknown; value: T }>();
  useEffect(() => {
    let current = true;
    read()?.then((value) => {
      if (current) setValue({ key, value });
    });
    return () => {
      current = false;
    };
  }, [key]);
  return value !== undefined && value.key === key ? value.value : undefined;
}

/** What the details of a step take. */
export interface DetailProps {
  readonly model: Model;
  readonly data: Chunks;
  readonly step: Step;
  readonly onSelect: (step: Step, open?: boolean) => void;
  readonly onShot: (shot: PageShot) => void;
  readonly onConsole: (machine: number, line: number | undefined) => void;
}

/** All there is to know of a step. */
export function Detail(props: DetailProps) {
  const { model, data, step, onSelect } = props;
  const { run } = model;
  const chunk = run.steps.chunk[step.at];
  const place: RecordPlace = [chunk, run.steps.record[step.at]];
  const more = useRead<StepRecord>(
    () => chunk < 0 ? undefined : data.record<StepRecord>(place),
    place.join(),
  );
  const above = [];
  for (let at = step.parent; at; at = at.parent) above.unshift(at);
  return (
    <article class="detail" aria-label="The chosen step">
      {above.length > 0 && (
        <nav class="crumbs" aria-label="Steps around it">
          {above.map((one) => (
            <a key={one.id} href={`#step${one.id}`}>
              {one.text || "(no name)"}
            </a>
          ))}
        </nav>
      )}
      <h2>
        <StateSign state={step.state} />
        <bdi>{step.text || "(no name)"}</bdi>
      </h2>
      <dl class="facts">
        <div>
          <dt>on</dt>
          <dd>{model.machineName(step.machine)}</dd>
        </div>
        <div>
          <dt>took</dt>
          <dd>{seconds(step.ended - step.began)}</dd>
        </div>
        <div>
          <dt>from</dt>
          <dd>{clock(step.began)} s</dd>
        </div>
        <div>
          <dt>to</dt>
          <dd>{clock(step.ended)} s</dd>
        </div>
      </dl>
      <ErrorOf {...props} />
      <Source model={model} data={data} step={step} />
      {more?.text !== undefined && more.commands?.length !== 1 && (
        <pre class="text">{more.text}</pre>
      )}
      {more?.commands?.map((command, i) => <Command key={i} {...command} />)}
      <Said {...props} />
      <Screens {...props} />
      <FilesOf model={model} data={data} step={step} />
      <Around {...props} />
      {step.children.length > 0 && (
        <section>
          <h3>Steps inside</h3>
          <ul class="inside">
            {step.children.slice(0, 200).map((one) => (
              <li key={one.id}>
                <StateSign state={one.state} />
                <a href={`#step${one.id}`} onClick={() => onSelect(one)}>
                  {one.text || "(no name)"}
                </a>
                <span class="took">{seconds(one.ended - one.began)}</span>
              </li>
            ))}
          </ul>
          {step.children.length > 200 && (
            <p class="nothing">
              and {step.children.length - 200} more in the list
            </p>
          )}
        </section>
      )}
    </article>
  );
}

function ErrorOf({ model, data, step, onSelect }: DetailProps) {
  const error = model.run.errors[step.error];
  const message = useRead<string>(
    () => error && data.record<string>(error.place),
    error?.place.join(),
  );
  if (error === undefined) return null;
  const inner = model.step(error.step);
  if (inner !== undefined && inner !== step) {
    return (
      <p class="cause">
        Failed of{" "}
        <a
          href={`#step${inner.id}`}
          onClick={() => onSelect(inner)}
        >
          {inner.text}
        </a>: {error.title}
      </p>
    );
  }
  return (
    <section class="error">
      <h3>{error.name}</h3>
      <pre>{message ?? error.title}</pre>
    </section>
  );
}

/** Lines around the one that began a step. */
const around = 4;

function Source({ model, data, step }: {
  model: Model;
  data: Chunks;
  step: Step;
}) {
  const [whole, setWhole] = useState(false);
  const source = model.run.sources[model.run.steps.source[step.at]];
  const line = model.run.steps.line[step.at];
  const text = useRead<string>(
    () => source?.place && data.record<string>(source.place),
    source?.place?.join(),
  );
  useEffect(() => setWhole(false), [step]);
  if (source === undefined) return null;
  const lines = text?.split("\n") ?? [];
  const first = whole ? 1 : Math.max(1, line - around);
  const last = whole ? lines.length : Math.min(lines.length, line + around);
  return (
    <section>
      <h3>
        Script <span class="place">{source.name}:{line}</span>
        {lines.length > 2 * around + 1 && (
          <button
            type="button"
            onClick={() => setWhole(!whole)}
          >
            {whole ? "only this line" : "whole file"}
          </button>
        )}
      </h3>
      {text !== undefined && (
        <div class="source" tabIndex={0} role="region" aria-label="Script">
          <ol start={first}>
            {lines.slice(first - 1, last).map((one, i) => (
              <li
                key={i}
                value={first + i}
                class={first + i === line ? "here" : undefined}
                aria-current={first + i === line ? "true" : undefined}
              >
                <code>{one || " "}</code>
              </li>
            ))}
          </ol>
        </div>
      )}
    </section>
  );
}

/** Characters of an output that are shown at first. */
const firstOutput = 20_000;

function Command(
  { kind, command, status, output, omitted, stderr, duration }: PageCommand,
) {
  const wanted = kind === "fail" ? status !== 0 : status === 0;
  return (
    <section class="command">
      <h3>Command</h3>
      <pre class="shell">{command}</pre>
      <p class={wanted || kind === "execute" ? "status" : "status bad"}>
        status <b>{status}</b> after {duration.toFixed(2)} s
      </p>
      {omitted !== undefined && (
        <p class="nothing">
          {omitted} characters in the middle were left out
        </p>
      )}
      {output === ""
        ? <p class="nothing">no output</p>
        : <Output name="stdout" text={output} />}
      {stderr !== undefined && stderr !== "" && (
        <Output name="stderr" text={stderr.replace(/^; /, "")} />
      )}
    </section>
  );
}

function Output({ name, text }: { name: string; text: string }) {
  const [all, setAll] = useState(false);
  const shown = all ? text : text.slice(0, firstOutput);
  return (
    <>
      <h4>{name}</h4>
      <pre class="output" tabIndex={0}>{shown}</pre>
      {shown.length < text.length && (
        <button
          type="button"
          onClick={() => setAll(true)}
        >
          all {text.length} characters
        </button>
      )}
    </>
  );
}

/** Lines of the log that are shown with a step. */
const mostSaid = 300;

function Said({ model, data, step }: DetailProps) {
  const { log } = model.run;
  const during = log.filter(({ from, to }) =>
    to >= step.began && from <= step.ended
  ).slice(0, 4);
  const said = useRead(async () => {
    const out: { time: number; level: number; text: string }[] = [];
    for (const chunk of during) {
      const { times, texts, log } = await data.lines(chunk);
      for (let i = 0; i < texts.length && out.length < mostSaid; i++) {
        if (log?.steps[i] !== step.id) continue;
        out.push({ time: times[i], level: log.levels[i], text: texts[i] });
      }
    }
    return out;
  }, `${step.id}:${during.map(({ chunk, count }) => `${chunk}+${count}`)}`);
  if (said === undefined || said.length === 0) return null;
  return (
    <section>
      <h3>Log</h3>
      <pre class="output" tabIndex={0}>
        {said.map(({ time, level, text }, i) => (
          <span key={i} class={level >= 3 ? "bad" : undefined}>
            <i>{clock(time)}</i> {text}{"\n"}
          </span>
        ))}
      </pre>
    </section>
  );
}

function Screens({ model, data, step, onShot }: DetailProps) {
  const own = step.kind !== "screenshot"
    ? []
    : model.run.shots.filter((shot) =>
      shot.step === step.id && shot.image >= 0
    );
  if (own.length > 0) {
    return (
      <section>
        <h3>Screen</h3>
        <div class="screens">
          {own.slice(0, 12).map((shot) => (
            <Picture
              key={shot.time}
              {...{ model, data, shot, onShot }}
              name="taken here"
            />
          ))}
        </div>
      </section>
    );
  }
  const { before, after } = model.shotsAround(
    step.machine,
    step.began,
    step.ended,
  );
  if (before === undefined && after === undefined) return null;
  return (
    <section>
      <h3>Screen</h3>
      <div class="screens">
        {before && (
          <Picture {...{ model, data, onShot }} shot={before} name="before" />
        )}
        {after && (
          <Picture {...{ model, data, onShot }} shot={after} name="after" />
        )}
      </div>
    </section>
  );
}

/** A picture of a screen, to be enlarged. */
export function Picture({ model, data, shot, name, onShot }: {
  model: Model;
  data: Chunks;
  shot: PageShot;
  name: string;
  onShot: (shot: PageShot) => void;
}) {
  const chunk = model.run.images[shot.image];
  const url = useRead<string>(() => data.image(chunk), chunk);
  const machine = model.machineName(shot.machine);
  return (
    <figure>
      <button
        type="button"
        class="picture"
        aria-label={`Screen of ${machine} at ${clock(shot.time)} s`}
        onClick={() => onShot(shot)}
      >
        {url && <img src={url} alt="" />}
      </button>
      <figcaption>{name}: {machine} at {clock(shot.time)} s</figcaption>
    </figure>
  );
}

function FilesOf({ model, data, step }: {
  model: Model;
  data: Chunks;
  step: Step;
}) {
  const files = model.run.files.filter((file) => file.step === step.id);
  if (files.length === 0) return null;
  return (
    <section>
      <h3>Files</h3>
      {files.map((file, i) => <FileLink key={i} data={data} file={file} />)}
    </section>
  );
}

/** A file that was copied, or something gathered. */
export function FileLink({ data, file }: {
  data: Chunks;
  file: Model["run"]["files"][number];
}) {
  const [open, setOpen] = useState(false);
  const text = useRead<string>(
    () => open && file.place ? data.record<string>(file.place) : undefined,
    `${open}${file.place}`,
  );
  const head = (
    <>
      <bdi>{file.name}</bdi>
      {file.link && <a class="file" href={file.link}>the file</a>}
    </>
  );
  if (file.place === undefined) return <p class="attached">{head}</p>;
  return (
    <details
      class="attached"
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>{head}</summary>
      {text !== undefined && <pre class="output" tabIndex={0}>{text}</pre>}
    </details>
  );
}

function Around({ model, data, step, onConsole }: DetailProps) {
  const { run } = model;
  const speaking = run.machines.findIndex(({ chunks }) => chunks.length > 0);
  const failed = step.machine < 0 && step.state === "failed"
    ? model.step(run.errors[step.error]?.step)?.machine ?? -1
    : step.machine;
  const machine = failed >= 0
    ? failed
    : run.machines.length === 1
    ? speaking
    : -1;
  const chunks = machine < 0 ? [] : run.machines[machine].chunks;
  // What failed is explained by what was said last.
  const wanted = step.state === "failed" ? step.ended : step.began;
  const line = useRead(
    () => chunks.length === 0 ? undefined : lineAt(data, chunks, wanted),
    `${machine}:${step.id}:${chunks.length}`,
  );
  if (chunks.length === 0) return null;
  return (
    <section>
      <h3>
        Console of {model.machineName(machine)} around that moment
        <button type="button" onClick={() => onConsole(machine, line)}>
          whole console
        </button>
      </h3>
      <LineList
        small
        label={`Console of ${model.machineName(machine)} around that moment`}
        data={data}
        chunks={chunks}
        focus={line}
        during={{ from: step.began, to: step.ended }}
      />
    </section>
  );
}
