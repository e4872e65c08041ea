import { unclaimedDirectory } from "../backend/mod.ts";
import {
  HtmlListener,
  JunitListener,
  Log,
  TerminalListener,
  XmlListener,
} from "../report/mod.ts";
import type { Configuration } from "./configuration.ts";

/** Opens the run's log, with every report that the configuration asks for. */
export function openLog(configuration: Configuration): Log {
  unclaimedDirectory(configuration.outDir);
  const { logLevel: level, xmlLog, junitXml, html } = configuration;
  const log = new Log([new TerminalListener({ level })], {
    name: configuration.script?.path ?? `[${configuration.command}]`,
  });
  if (xmlLog !== undefined) log.addListener(new XmlListener(xmlLog, { level }));
  if (junitXml !== undefined) log.addListener(new JunitListener(junitXml));
  if (html !== undefined) log.addListener(new HtmlListener(html));
  return log;
}
