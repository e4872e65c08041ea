/** What a build produces and a start script needs. */
export interface GuestImage {
  readonly name: string;
  /** Where it is cached. */
  readonly directory: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly kernelParameters: readonly string[];
  /** MiB. */
  readonly memory: number;
  /** A qcow2 image, copied for each machine, that sits on the shared disk. */
  readonly disk?: string;
}
