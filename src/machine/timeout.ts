/** Seconds that a wait takes at most where the author names no other limit. */
export const DEFAULT_TIMEOUT = 900;

/** What a wait takes. */
export interface WaitOptions {
  /** Seconds to wait at most; 900 by default. */
  timeout?: number;
}
