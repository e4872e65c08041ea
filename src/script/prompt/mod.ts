/**
 * A prompt to control machines by hand. Only runs that need a prompt load it.
 *
 * @module
 */
export { type PromptOptions, runPrompt } from "./run_prompt.ts";
export { stopAt, type StopOptions } from "./stop_at.ts";
