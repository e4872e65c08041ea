/** Closes a stream that may be closed already. */
export function closeQuietly(stream: { close(): void } | undefined): void {
  try {
    stream?.close();
  } catch {
    // It is closed.
  }
}
