/** The kernel, and what it is started with. */
export interface BootSource {
  kernel_image_path: string;
  initrd_path?: string;
  boot_args?: string;
}

/** A disk. */
export interface Drive {
  drive_id: string;
  is_root_device: boolean;
  is_read_only?: boolean;
  path_on_host?: string;
  partuuid?: string;
  cache_type?: "Unsafe" | "Writeback";
  io_engine?: "Sync" | "Async";
  rate_limiter?: RateLimiter;
  socket?: string;
}

/** What changes of a disk while the guest runs. */
export interface PartialDrive {
  drive_id: string;
  path_on_host?: string;
  rate_limiter?: RateLimiter;
}

/** How much memory a balloon is to hold. */
export interface BalloonUpdate {
  amount_mib: number;
}

/** How much memory a balloon holds: the part that is read. */
export interface BalloonStats {
  actual_mib: number;
}

/** A network card. */
export interface NetworkInterface {
  iface_id: string;
  host_dev_name: string;
  guest_mac?: string;
  mtu?: number;
  rx_rate_limiter?: RateLimiter;
  tx_rate_limiter?: RateLimiter;
}

/** How much passes. */
export interface RateLimiter {
  bandwidth?: TokenBucket;
  ops?: TokenBucket;
}

/** A limit: so many, in so many milliseconds. */
export interface TokenBucket {
  size: number;
  refill_time: number;
  one_time_burst?: number;
}

/** The virtual socket. */
export interface Vsock {
  guest_cid: number;
  uds_path: string;
}

/** The source of random numbers. */
export interface Entropy {
  rate_limiter?: RateLimiter;
}

/** An action. */
export interface Action {
  action_type: "InstanceStart" | "SendCtrlAltDel" | "FlushMetrics";
}

/** Whether the processors run. */
export interface VmState {
  state: "Paused" | "Resumed";
}

/** How a guest is saved. */
export interface SnapshotCreate {
  snapshot_path: string;
  mem_file_path: string;
  snapshot_type?: "Full" | "Diff";
}

/** How a guest is restored. */
export interface SnapshotLoad {
  snapshot_path: string;
  mem_backend: { backend_type: "File" | "Uffd"; backend_path: string };
  network_overrides?: { iface_id: string; host_dev_name: string }[];
  vsock_override?: { uds_path: string };
  resume_vm?: boolean;
}

/** A request before the start: the path that it is put to, and its body. */
export interface Put {
  readonly path: string;
  readonly body: object;
}
