/** What Cloud Hypervisor's `vm.info` says of a machine: the parts that are read. */
export interface VmInfo {
  /** `Running`, `Paused` or another state. */
  readonly state: string;
  /** Bytes of the memory that no balloon holds. */
  readonly memory_actual_size: number;
  readonly config: {
    readonly memory: { readonly size: number };
    readonly balloon?: object | null;
    readonly disks?:
      | readonly {
        readonly id?: string | null;
        readonly serial?: string | null;
      }[]
      | null;
  };
  /** The devices that the guest has, by their names. */
  readonly device_tree?: Readonly<Record<string, unknown>>;
}
