import {
  ConditionFailure,
  isHypervisorGone,
  MachineError,
  TestFailure,
  UsageError,
} from "../../errors.ts";
import { QmpError } from "../../qmp/mod.ts";
import { isTimeout } from "../../time/mod.ts";
import { Interrupted } from "../prompt/interrupted.ts";
import { ScriptExit } from "../script_exit.ts";

/** An exception of the script, with its name in Python. */
export class PythonError extends Error {
  /** Takes the exception's type and its message. */
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** An exception as Python sends it. */
export interface ExceptionReport {
  /** Identifies the exception. */
  id: number;
  /** Its type; absent for an error of this side. */
  name?: string;
  /** Its message. */
  message?: string;
  /** The exit status of the script that it ends, if it exits. */
  exit?: number;
}

/** How many errors each side remembers. */
const REMEMBERED = 1000;

/**
 * The errors that have crossed between TypeScript and Python, in either
 * direction.
 */
export class CrossedErrors {
  readonly #errors = new Map<number, Error>();
  readonly #exits = new WeakMap<Error, ScriptExit>();
  #lastId = 0;

  /** Makes the message to Python for an error. */
  toPython(thrown: unknown): Record<string, unknown> {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const id = ++this.#lastId;
    this.#remember(id, error);
    const kind = kindOf(error);
    const message = kind === "other"
      ? `${error.name}: ${error.message}`
      : error.message;
    return error instanceof QmpError
      ? { id, kind, message, ...partsOf(error) }
      : { id, kind, message };
  }

  /** Makes, or finds again, the error for an exception. */
  fromPython(report: ExceptionReport): Error {
    const known = this.#errors.get(report.id);
    if (known !== undefined) return known;
    const error = new PythonError(
      report.name ?? "Exception",
      report.message ?? "",
    );
    this.#remember(report.id, error);
    return error;
  }

  /** The same for an exception that may end the script with an exit status. */
  endFromPython(report: ExceptionReport): Error {
    const error = this.fromPython(report);
    if (report.exit === undefined) return error;
    const exit = this.#exits.get(error) ?? new ScriptExit(report.exit);
    this.#exits.set(error, exit);
    return exit;
  }

  #remember(id: number, error: Error): void {
    this.#errors.set(id, error);
    if (this.#errors.size <= REMEMBERED) return;
    const [oldest] = this.#errors.keys();
    this.#errors.delete(oldest);
  }
}

/** QEMU's description of an error. */
function partsOf({ errorClass: className, description }: QmpError) {
  return { className, description };
}

/** The class in Python for an error. */
function kindOf(error: Error): string {
  if (error instanceof ConditionFailure) return "condition";
  if (error instanceof TestFailure) return "failure";
  if (error instanceof MachineError || isHypervisorGone(error)) {
    return "machine";
  }
  if (error instanceof QmpError) return "qmp";
  if (error instanceof UsageError || error instanceof TypeError) return "usage";
  if (error instanceof Deno.errors.NotFound) return "missing";
  if (isTimeout(error)) return "timeout";
  if (error instanceof Interrupted) return "interrupt";
  return "other";
}
