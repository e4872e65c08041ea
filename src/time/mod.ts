/**
 * Timers and limits. Durations are seconds.
 *
 * @module
 */
export { orAbort } from "./or_abort.ts";
export { rejection } from "./rejection.ts";
export { checkTimeout, isTimeout, limitOf } from "./timeout.ts";
export { after, delay } from "./timer.ts";
export { within } from "./within.ts";
