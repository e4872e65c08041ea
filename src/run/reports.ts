import { unclaimedDirectory } from "../backend/mod.ts";
import {
  ciOf,
  CodeQualityListener,
  EventFileListener,
  HtmlListener,
  JunitListener,
  Log,
  ReportServer,
  SummaryListener,
  TerminalListener,
  XmlListener,
} from "../report/mod.ts";
import type { Plan } from "./plan.ts";

/** Opens the run's log, with every report that is planned. */
export function openLog(plan: Plan): Log {
  const {
    logLevel: level,
    xmlLog,
    junitXml,
    html,
    events,
    reportServer,
    script,
    listeners,
    console,
  } = plan;
  unclaimedDirectory(plan.outDir);
  const ci = ciOf(Deno.env);
  const live = !plan.interactive && ci === undefined &&
    Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb";
  const log = new Log([new TerminalListener({ level, console, live, ci })], {
    name: plan.name ?? script?.path,
  });
  const summary = Deno.env.get("GITHUB_STEP_SUMMARY");
  if (ci === "github" && summary) log.addListener(new SummaryListener(summary));
  const projectDirectory = Deno.env.get("CI_PROJECT_DIR");
  if (ci === "gitlab" && projectDirectory) {
    const path = `${plan.outDir}/gl-code-quality-report.json`;
    log.addListener(new CodeQualityListener(path, { projectDirectory }));
  }
  if (xmlLog !== undefined) log.addListener(new XmlListener(xmlLog, { level }));
  if (junitXml !== undefined) {
    log.addListener(new JunitListener(junitXml, { projectDirectory }));
  }
  if (events !== undefined) log.addListener(new EventFileListener(events));
  if (html !== undefined) log.addListener(new HtmlListener(html));
  if (reportServer) {
    const server = new ReportServer();
    log.addListener(server);
    log.log(`the report is live at ${server.url}`);
  }
  for (const listener of listeners ?? []) log.addListener(listener);
  return log;
}
