/** What the exit status says. */
export const exitCodes = {
  /** The test passed. */
  passed: 0,
  /** The test failed. */
  failed: 1,
  /** The program was used wrongly, and has started nothing. */
  misused: 2,
  /** The global timeout passed, as with `timeout(1)`. */
  timeout: 124,
  /** The terminal went away: 128 and the number of SIGHUP. */
  hungUp: 129,
  /** Somebody pressed Ctrl-C: 128 and the signal's number. */
  interrupted: 130,
  /** Somebody sent SIGTERM: 128 and the signal's number. */
  terminated: 143,
} as const;
