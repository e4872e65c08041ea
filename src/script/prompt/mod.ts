/**
 * A prompt to talk to machines: reached only by who asks for one.
 *
 * @module
 */
export { type PromptOptions, runPrompt } from "./run_prompt.ts";
export { stopAt, type StopOptions } from "./stop_at.ts";
