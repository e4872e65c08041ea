# What a microVM is started from: its hypervisor's own configuration, as JSON. The driver wires an
# interface whose host device is called `vlan<number>` to that VLAN.
{
  lib,
  # "firecracker" or "cloud-hypervisor".
  backend,
  kernel,
  initrd,
  # The kernel's command line, as a list.
  parameters,
  cores,
  # MiB.
  memory,
  # In the order of their devices: `{ path, isReadOnly }`.
  disks,
  # Of `cards.nix`.
  cards,
  hugePages,
  entropy,
}:
let
  commandLine = lib.concatStringsSep " " parameters;
in
{
  firecracker = {
    boot-source = {
      kernel_image_path = kernel;
      initrd_path = initrd;
      boot_args = commandLine;
    };
    machine-config = {
      vcpu_count = cores;
      mem_size_mib = memory;
    }
    // lib.optionalAttrs hugePages { huge_pages = "2M"; };
    drives = lib.imap1 (index: disk: {
      drive_id = "disk${toString index}";
      path_on_host = disk.path;
      is_root_device = false;
      is_read_only = disk.isReadOnly;
    }) disks;
    network-interfaces = map (card: {
      iface_id = "card${toString card.index}";
      host_dev_name = "vlan${toString card.vlan}";
      guest_mac = card.mac;
    }) cards;
  }
  # Without this, the driver gives each microVM the device.
  // lib.optionalAttrs (!entropy) { entropy = null; };

  cloud-hypervisor = {
    payload = {
      inherit kernel;
      initramfs = initrd;
      cmdline = commandLine;
    };
    cpus = {
      boot_vcpus = cores;
      max_vcpus = cores;
    };
    memory = {
      size = memory * 1048576;
    }
    // lib.optionalAttrs hugePages {
      hugepages = true;
      hugepage_size = 2097152;
    };
    disks = map (disk: {
      inherit (disk) path;
      readonly = disk.isReadOnly;
      image_type = "Raw";
    }) disks;
    net = map (card: {
      tap = "vlan${toString card.vlan}";
      inherit (card) mac;
    }) cards;
  };
}
.${backend}
