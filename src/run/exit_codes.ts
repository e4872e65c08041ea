/** The meanings of exit statuses. */
export const exitCodes = {
  /** The test passed. */
  passed: 0,
  /** The test failed. */
  failed: 1,
  /** The command line or the configuration is wrong. Nothing was started. */
  misused: 2,
  /** The global timeout passed, as with `timeout(1)`. */
  timeout: 124,
  /** The terminal was closed: 128 and the number of SIGHUP. */
  hungUp: 129,
  /** Ctrl-C ended the run: 128 and the signal's number. */
  interrupted: 130,
  /** SIGTERM ended the run: 128 and the signal's number. */
  terminated: 143,
} as const;
