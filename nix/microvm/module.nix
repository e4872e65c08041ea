# A NixOS module for the nodes of a test: a node whose `vmwright.backend` is Firecracker or Cloud
# Hypervisor is a microVM. `system.build.vm` is then what such a hypervisor starts it from.
#
# The rest is NixOS's own: qemu-vm.nix has the options of a virtual machine, and mounts the root and an
# image of the store by their labels.
{
  # The test's hypervisor, for nodes that name none.
  backend,
  # The number of a node in its addresses, by the node's name.
  numberOf,
  # Of the test's microVMs, see store-image.nix.
  store,
  # The package set that images are built with.
  hostPkgs,
  # Whether vmwright runs the test.
  enable ? true,
}:
{
  config,
  lib,
  name,
  options,
  pkgs,
  ...
}:
let
  inherit (config) virtualisation;
  inherit (pkgs.stdenv) hostPlatform;
  hypervisors = import ./hypervisors.nix { inherit lib; };
  own = config.vmwright;
  title = hypervisors.titleOf own.backend;

  # Only virtual machines have these options. The framework gives the module to containers, too.
  isVirtualMachine = options ? virtualisation && options.virtualisation ? qemu;
  isMicroVm = enable && isVirtualMachine && own.backend != null && own.backend != "qemu";
  isFirecracker = own.backend == "firecracker";

  bash = pkgs.bashNonInteractive or pkgs.bash;
  number = virtualisation.test.nodeNumber or (numberOf name);
  inherit (config.system.build) toplevel;

  # Images are complete: a host with one does not need the paths that it holds.
  withoutPaths = builtins.unsafeDiscardStringContext;

  serial = if !isFirecracker && hostPlatform.isAarch64 then "ttyAMA0" else "ttyS0";
  # The driver reads the serial console, and this clock is none of microVMs.
  isForQemu = parameter: lib.hasPrefix "console=" parameter || parameter == "clocksource=acpi_pm";

  disks =
    lib.optional (virtualisation.diskImage or "" != null) {
      path = "${import ./root-image.nix {
        pkgs = hostPkgs;
        size = virtualisation.diskSize;
      }}";
      isReadOnly = false;
    }
    ++ map (disk: {
      path = "${import ./empty-disk.nix {
        pkgs = hostPkgs;
        # Newer versions of NixOS take sets, too.
        size = disk.size or disk;
      }}";
      isReadOnly = false;
    }) (virtualisation.emptyDiskImages or [ ])
    ++ [
      {
        path = "${store.image}";
        isReadOnly = true;
      }
    ];

  # The kernel calls its cards eth0, eth1 and so on, in their order, and udev gives no card a name that
  # another one has. So the card that is to have such a name is the one that has it from the kernel; the
  # others get theirs, which no card has, in the places that are left.
  inOrderOfNames =
    cards:
    let
      names = builtins.genList (place: "eth${toString place}") (builtins.length cards);
      place =
        { placed, others }:
        name:
        let
          own = builtins.filter (card: card.interface == name) cards;
          next = if own == [ ] then others else own;
        in
        {
          placed = placed ++ [ (builtins.head next) ];
          others = if own == [ ] then builtins.tail others else others;
        };
    in
    (builtins.foldl' place {
      placed = [ ];
      others = builtins.filter (card: !builtins.elem card.interface names) cards;
    } names).placed;

  description = import ./description.nix {
    inherit lib disks;
    inherit (own) backend hugePages entropy;
    inherit (virtualisation) cores;
    memory = virtualisation.memorySize;
    cards = inOrderOfNames (import ../cards.nix { inherit lib; } number config);
    kernel = "${import ./vmlinux.nix {
      pkgs = hostPkgs;
      kernel = "${config.boot.kernelPackages.kernel}/${config.system.boot.loader.kernelFile}";
    }}";
    initrd = "${config.system.build.initialRamdisk}/${config.system.boot.loader.initrdFile}";
    parameters = builtins.filter (parameter: !isForQemu parameter) config.boot.kernelParams ++ [
      "console=${serial}"
      # A reset ends a microVM, and a panic resets at once.
      "reboot=k"
      "panic=-1"
      (withoutPaths "init=${toplevel}/init")
      # qemu-vm.nix tells Nix in the guest of these paths.
      (withoutPaths "regInfo=${store.registration}")
    ];
  };

  file = "run-${config.system.name}-${own.backend}.json";

  # Directories of the host that qemu-vm.nix shares by itself.
  usualDirectories = [
    "nix-store"
    "xchg"
    "shared"
  ];
  sharedDirectories = lib.subtractLists usualDirectories (
    builtins.attrNames (virtualisation.sharedDirectories or { })
  );

  # A sentence for each option that the node's hypervisor can't fulfil.
  refusals = lib.optionals enable (
    lib.optional (own.backend != null && !isVirtualMachine)
      "the container ${name} has vmwright.backend = \"${own.backend}\", expected none: a node is a virtual machine, and no container"
    ++ lib.optional (own.hugePages && own.backend == "qemu")
      "the node ${name} has vmwright.hugePages and runs on QEMU, expected vmwright.backend = \"firecracker\" or \"cloud-hypervisor\""
    ++ lib.optional (!own.entropy && own.backend != null && !isFirecracker)
      "the node ${name} has vmwright.entropy = false and runs on ${title}, expected vmwright.backend = \"firecracker\", which alone leaves that device out"
    ++ lib.optionals isMicroVm (
      lib.optional (virtualisation.useBootLoader or false)
        "the node ${name} has virtualisation.useBootLoader and runs on ${title}, which boots a kernel without one, expected vmwright.backend = \"qemu\""
      ++ lib.optional (virtualisation.useEFIBoot or false)
        "the node ${name} has virtualisation.useEFIBoot and runs on ${title}, which boots a kernel without it, expected vmwright.backend = \"qemu\""
      ++ lib.optional (virtualisation.tpm.enable or false)
        "the node ${name} has virtualisation.tpm.enable and runs on ${title}, which vmwright gives no TPM, expected vmwright.backend = \"qemu\""
      ++ lib.optional (virtualisation.forwardPorts or [ ] != [ ])
        "the node ${name} has virtualisation.forwardPorts and runs on ${title}, which has no such network, expected vmwright.backend = \"qemu\""
      ++ lib.optional (config.testing.initrdBackdoor or false)
        "the node ${name} has testing.initrdBackdoor and runs on ${title}, whose shell begins after the initial RAM disk, expected vmwright.backend = \"qemu\""
      ++ lib.optional (sharedDirectories != [ ])
        "the node ${name} has virtualisation.sharedDirectories.${builtins.head sharedDirectories} and runs on ${title}, which shares no directories of the host, expected vmwright.backend = \"qemu\""
      ++ lib.optional (own.hugePages && lib.mod virtualisation.memorySize 2 != 0)
        "the node ${name} has vmwright.hugePages and virtualisation.memorySize = ${toString virtualisation.memorySize}, expected an even number of MiB, since such a page has two"
      ++ lib.optional (isFirecracker && virtualisation.cores > 32)
        "the node ${name} has virtualisation.cores = ${toString virtualisation.cores}, expected at most 32 on Firecracker"
    )
  );

  isShared =
    fileSystem:
    builtins.elem (fileSystem.fsType or "") [
      "9p"
      "virtiofs"
    ];
in
{
  key = "vmwright#microvm";
  _file = ./module.nix;

  options.vmwright = {
    backend = lib.mkOption {
      type = lib.types.nullOr (lib.types.enum hypervisors.names);
      default = if isVirtualMachine then backend else null;
      defaultText = lib.literalMD "that of the test";
      example = "firecracker";
      description = ''
        The hypervisor that runs this node: `"qemu"`, `"firecracker"` or `"cloud-hypervisor"`.
      '';
    };

    hugePages = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = ''
        Whether the memory of a microVM is made of pages of 2 MiB, which its host must have in reserve
        (`vm.nr_hugepages`).
      '';
    };

    entropy = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = ''
        Whether the node has a device that gives it random numbers. Only Firecracker goes without.
      '';
    };
  };

  config = lib.mkMerge [
    {
      assertions = map (message: {
        assertion = false;
        inherit message;
      }) refusals;
    }
    # Where a processor is emulated on a busy host, the kernel may find no tick of a timer that it tests for
    # a moment, and panics. On KVM it leaves that test out by itself.
    (lib.optionalAttrs isVirtualMachine (
      lib.mkIf (enable && own.backend == "qemu" && hostPlatform.isx86) {
        boot.kernelParams = [ "no_timer_check" ];
      }
    ))
    (lib.optionalAttrs isVirtualMachine (
      lib.mkIf isMicroVm {
        # Loaded in any case: no other device is seen without it.
        boot.initrd.kernelModules = [ (if isFirecracker then "virtio_mmio" else "virtio_pci") ];
        boot.initrd.availableKernelModules = [
          "virtio_blk"
          "virtio_net"
          "virtio_rng"
        ];
        boot.kernelModules = [ "vmw_vsock_virtio_transport" ];

        virtualisation.useNixStoreImage = true;
        # As where QEMU shares the host's store.
        virtualisation.writableStore = lib.mkDefault true;
        # This has priority over what qemu-vm.nix makes of the same option.
        fileSystems = lib.mkIf (virtualisation.fileSystems != { }) (
          lib.mkOverride 9 (
            lib.filterAttrs (_: fileSystem: !isShared fileSystem) virtualisation.fileSystems
          )
        );

        # There is no DHCP server, and all nodes have addresses of their own.
        networking.useDHCP = lib.mkOverride 150 false;
        # This target wants what sets the addresses. DHCP would want it.
        systemd.targets.network.wantedBy = [ "multi-user.target" ];

        # In place of the shell on QEMU's console.
        systemd.services.backdoor = lib.mkIf (config.testing.backdoor or true) (
          lib.mkForce {
            description = "Shells for a test driver on virtual sockets";
            wantedBy = [ "multi-user.target" ];
            environment.DISPLAY = ":0.0";
            path = [
              bash
              pkgs.perl
              pkgs.util-linux
            ];
            serviceConfig = {
              ExecStart = "${bash}/bin/bash ${../../examples/microvm/vsock-shell}";
              # Shells hang up; they ignore SIGTERM where they are interactive.
              KillSignal = "SIGHUP";
              Restart = "on-failure";
            };
          }
        );

        system.build.vm = lib.mkForce (
          hostPkgs.runCommand "microvm-${config.system.name}"
            {
              description = hostPkgs.writeText file (builtins.toJSON description);
              preferLocalBuild = true;
              meta.mainProgram = file;
            }
            ''
              mkdir -p $out/bin
              ln -s $description $out/bin/${file}
            ''
        );
      }
    ))
  ];
}
