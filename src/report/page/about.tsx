import type { Chunks } from "./chunks.ts";
import { FileLink } from "./detail.tsx";
import type { Model } from "./model.ts";

/** What ran, where and by what. */
export function About({ model, data }: { model: Model; data: Chunks }) {
  const { run } = model;
  const { about } = run;
  const facts = (machine: number) =>
    run.facts.filter((fact) => fact.machine === machine);
  return (
    <article class="about" aria-label="The run">
      <section>
        <h2>Run</h2>
        <dl>
          <dt>script</dt>
          <dd>
            <code>{run.name}</code>
          </dd>
          <dt>began</dt>
          <dd>{new Date(run.date).toISOString()}</dd>
          {about && (
            <>
              <dt>host</dt>
              <dd>
                {about.host} ({about.system}, {about.processors} processors
                {about.memory &&
                  `, ${(about.memory / 2 ** 30).toFixed(1)} GiB of memory`})
              </dd>
              {Object.entries(about.versions).map(([name, version]) => (
                <>
                  <dt>{name}</dt>
                  <dd>{version}</dd>
                </>
              ))}
              <dt>command line</dt>
              <dd>
                <code>{about.commandLine.join(" ")}</code>
              </dd>
              <dt>directory</dt>
              <dd>
                <code>{about.directory}</code>
              </dd>
            </>
          )}
          {facts(-1).map(({ name, value }) => (
            <>
              <dt>{name}</dt>
              <dd>
                <code>{value}</code>
              </dd>
            </>
          ))}
          {run.omittedSteps > 0 && (
            <>
              <dt>left out</dt>
              <dd>{run.omittedSteps} steps</dd>
            </>
          )}
        </dl>
      </section>
      {run.machines.map((machine, i) => (
        <section key={i}>
          <h2>
            <bdi>{machine.name}</bdi>
          </h2>
          <dl>
            {machine.parent && (
              <>
                <dt>fork of</dt>
                <dd>{machine.parent}</dd>
              </>
            )}
            {machine.hypervisor && (
              <>
                <dt>hypervisor</dt>
                <dd>{machine.hypervisor}</dd>
              </>
            )}
            {machine.command && (
              <>
                <dt>start command</dt>
                <dd>
                  <code>{machine.command}</code>
                </dd>
              </>
            )}
            {facts(i).map(({ name, value }) => (
              <>
                <dt>{name}</dt>
                <dd>
                  <code>{value}</code>
                </dd>
              </>
            ))}
            {machine.link && (
              <>
                <dt>console</dt>
                <dd>
                  <a class="file" href={machine.link}>the file</a>
                </dd>
              </>
            )}
          </dl>
        </section>
      ))}
      {run.files.length > 0 && (
        <section>
          <h2>Files</h2>
          {run.files.slice(0, 500).map((file, i) => (
            <FileLink key={i} data={data} file={file} />
          ))}
        </section>
      )}
    </article>
  );
}
