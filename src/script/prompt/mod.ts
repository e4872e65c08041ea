/**
 * A prompt to talk to machines.
 *
 * @module
 */
import type { Driver } from "../../driver/mod.ts";
import { UsageError } from "../../report/errors.ts";
import type { Language } from "../language.ts";

/** What a prompt stands on. */
export interface PromptOptions {
  /** The machines and their log. */
  driver: Driver;
  /** Every name that can be used. */
  context: Record<string, unknown>;
  /** The language to talk in. */
  language: Language;
  /** Aborted when the run is to end. */
  signal: AbortSignal;
}

/**
 * Talks to whoever sits at the terminal until that ends.
 *
 * @throws {UsageError} Always: there is no such thing yet.
 */
export function runPrompt(_options: PromptOptions): Promise<void> {
  return Promise.reject(new UsageError("there is no prompt yet"));
}
