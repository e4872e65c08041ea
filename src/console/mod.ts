/**
 * A machine's serial console: bytes in, lines and matches out.
 *
 * @module
 */
export {
  type ConsoleOptions,
  type ConsoleWaitOptions,
  type SavedConsole,
  SerialConsole,
} from "./console.ts";
export type { DeathSign } from "./death_signs.ts";
export { deathPatterns, GuestDied } from "./guest_died.ts";
export { compilePattern } from "./pattern.ts";
