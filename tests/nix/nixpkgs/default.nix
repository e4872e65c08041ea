# A package set of a few dozen lines in place of nixpkgs: what the project's Nix files use of it, on the
# programs of the machine that the tests run on. Evaluates anywhere; builds without a sandbox.
#
# VMWRIGHT_TEST_PATH    where the builds find programs
# VMWRIGHT_TEST_GUESTS  a directory of start scripts, which the systems here are
{
  system ? builtins.currentSystem,
  lib ? import ./lib.nix,
}:
let
  variable =
    name: default:
    let
      value = builtins.getEnv name;
    in
    if value == "" then default else value;
  hostPath = variable "VMWRIGHT_TEST_PATH" "/usr/bin:/bin";

  build =
    {
      name,
      passthru ? { },
      meta ? { },
      ...
    }@arguments:
    let
      derivation' = derivation (
        {
          inherit system;
          builder = "/bin/bash";
          args = [
            "-eu"
            "-o"
            "pipefail"
            ./build.sh
          ];
          inherit hostPath;
          passAsFile = [ "buildCommand" ];
        }
        // removeAttrs arguments [
          "passthru"
          "meta"
          "env"
        ]
        // arguments.env or { }
      );
    in
    {
      outputs = [ "out" ];
      overrideAttrs = change: build (arguments // change arguments);
    }
    // derivation'
    // passthru
    // {
      inherit passthru meta;
    };

  runCommand =
    name: arguments: buildCommand:
    build (arguments // { inherit name buildCommand; });

  # A package of the host's programs, those of them that are there.
  hostPrograms =
    name: programs:
    runCommand name { inherit programs; } ''
      mkdir -p $out/bin
      for program in $programs; do
        if found=$(command -v "$program"); then
          ln -s "$found" "$out/bin/$program"
        fi
      done
    ''
    // {
      override = _: hostPrograms name programs;
    };

  pkgs = {
    inherit lib runCommand system;
    path = ./.;

    stdenv = {
      hostPlatform = {
        inherit system;
        isLinux = true;
        isDarwin = false;
        isAarch64 = system == "aarch64-linux";
        isx86 = system == "x86_64-linux";
      };
      mkDerivation =
        arguments:
        let
          given = if lib.isFunction arguments then arguments given else arguments;
        in
        build (
          given
          // {
            name = given.name or "${given.pname}-${given.version}";
            buildCommand =
              given.buildCommand or ''
                runHook() { :; }
                cp -r --no-preserve=mode "$src" source
                cd source
                for phase in configurePhase buildPhase installPhase; do
                  eval "''${!phase}"
                done
              '';
          }
        )
        // {
          overrideAttrs = change: pkgs.stdenv.mkDerivation (given // change given);
        };
    };

    callPackage =
      file: overrides:
      let
        function = import file;
      in
      function (builtins.intersectAttrs (builtins.functionArgs function) pkgs // overrides);

    writeText =
      name: text:
      runCommand name
        {
          inherit text;
          passAsFile = [
            "text"
            "buildCommand"
          ];
        }
        ''
          cp "$textPath" $out
        '';
    writers.writeJSON = name: value: pkgs.writeText name (builtins.toJSON value);
    fetchurl =
      { url, hash }:
      derivation {
        name = baseNameOf url;
        builder = "builtin:fetchurl";
        system = "builtin";
        inherit url;
        urls = [ url ];
        outputHash = hash;
        outputHashAlgo = null;
        outputHashMode = "flat";
        unpack = false;
        executable = false;
        preferLocalBuild = true;
      };
    makeWrapper = runCommand "make-wrapper" { script = ./make-wrapper.sh; } ''
      mkdir -p $out/bin
      cp "$script" $out/bin/makeWrapper
      chmod +x $out/bin/makeWrapper
    '';
    mkShell = { packages }: runCommand "shell" { nativeBuildInputs = packages; } "touch $out";

    bash = hostPrograms "bash" [ "bash" ];
    coreutils = hostPrograms "coreutils" [
      "cat"
      "chmod"
      "cp"
      "dirname"
      "env"
      "ln"
      "mkdir"
      "mktemp"
      "mv"
      "readlink"
      "rm"
      "sleep"
      "stty"
    ];
    deno = hostPrograms "deno" [ "deno" ] // {
      # Whatever the host has.
      version = "2.8.0";
      meta.mainProgram = "deno";
      denort = hostPrograms "denort" [ "denort" ];
    };
    cloud-hypervisor = hostPrograms "cloud-hypervisor" [ "cloud-hypervisor" ] // {
      version = "53.0";
    };
    firecracker = hostPrograms "firecracker" [ "firecracker" ] // {
      version = "1.17.0";
    };
    e2fsprogs = hostPrograms "e2fsprogs" [
      "chattr"
      "mkfs.ext4"
    ];
    erofs-utils = hostPrograms "erofs-utils" [ "mkfs.erofs" ];
    gnugrep = hostPrograms "gnugrep" [ "grep" ];
    gnutar = hostPrograms "gnutar" [ "tar" ];
    gzip = hostPrograms "gzip" [ "gzip" ];
    iproute2 = hostPrograms "iproute2" [ "ip" ];
    lz4 = hostPrograms "lz4" [ "lz4" ];
    mypy = hostPrograms "mypy" [ "mypy" ];
    netpbm = hostPrograms "netpbm" [ "pnmtopng" ];
    nixfmt-tree = hostPrograms "nixfmt-tree" [ "nixfmt" ] // {
      meta.mainProgram = "treefmt";
    };
    perl = hostPrograms "perl" [ "perl" ];
    python3 = hostPrograms "python3" [ "python3" ] // {
      withPackages =
        choose:
        let
          chosen = choose {
            numpy = pkgs.coreutils;
            # A package of one module.
            module =
              name: text:
              runCommand "python-${name}" { inherit text; } ''
                mkdir -p $out/${name}
                touch $out/${name}/py.typed
                echo "$text" > $out/${name}/__init__.py
              '';
          };
        in
        if chosen == [ ] then
          pkgs.python3
        else
          # As in nixpkgs, an environment of its own that `sys.executable` leads to.
          runCommand "python3-with-packages" { packages = chosen; } ''
            python=$(command -v python3)
            version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
            mkdir -p $out/bin $out/lib/python$version/site-packages
            ln -s "$python" $out/bin/python3
            printf 'home = %s\nversion = %s\n' "$(dirname "$python")" "$version" > $out/pyvenv.cfg
            for package in $packages; do
              cp -r $package/. $out/lib/python$version/site-packages
            done
          '';
    };
    qemu = pkgs.qemu_test;
    qemu_test = hostPrograms "qemu" [
      "qemu-img"
      "qemu-system-aarch64"
      "qemu-system-x86_64"
    ];
    ruff = hostPrograms "ruff" [ "ruff" ];
    socat = hostPrograms "socat" [ "socat" ];
    systemd = hostPrograms "systemd" [
      "systemd-nspawn"
      "systemd-socket-activate"
    ];
    tesseract4 = hostPrograms "tesseract" [ "tesseract" ];
    util-linux = hostPrograms "util-linux" [
      "flock"
      "mount"
      "nsenter"
      "script"
      "setsid"
    ];
    vde2 = hostPrograms "vde2" [
      "vde_plug"
      "vde_plug2tap"
      "vde_switch"
    ];
    xz = hostPrograms "xz" [ "xz" ];
    zstd = hostPrograms "zstd" [ "zstd" ];
    vhost-device-vsock = hostPrograms "vhost-device-vsock" [ "vhost-device-vsock" ];

    # The paths that some need, all in all, and what Nix would know of them.
    closureInfo =
      { rootPaths }:
      runCommand "closure-info"
        {
          exportReferencesGraph = builtins.concatLists (
            lib.imap1 (number: path: [
              "graph-${toString number}"
              path
            ]) rootPaths
          );
        }
        ''
          mkdir $out
          for graph in graph-*; do
            # A path, who made it, how many it refers to, and these.
            while read -r path; do
              read -r deriver
              read -r count
              for ((; count > 0; count--)); do
                read -r reference
              done
              echo "$path"
            done < $graph
          done | sort -u > $out/store-paths
          cp $out/store-paths $out/registration
        '';

    # A kernel and an initial RAM disk, which the tests have made.
    linux = runCommand "linux" { directory = variable "VMWRIGHT_TEST_LINUX" "/no-linux"; } ''
      mkdir -p $out
      ln -s $directory/bzImage $out/bzImage
    '';
    initialRamdisk =
      runCommand "initrd-linux" { directory = variable "VMWRIGHT_TEST_LINUX" "/no-linux"; }
        ''
          mkdir -p $out
          ln -s $directory/initrd $out/initrd
        '';

    # Debian's programs, as a package.
    systemPrograms =
      runCommand "system-programs" { directory = variable "VMWRIGHT_TEST_LINUX" "/no-linux"; }
        ''
          cp -r --no-preserve=ownership $directory/programs $out
        '';

    # What the kernel of a system starts at last: `init`, and what it reads.
    system-toplevel =
      config:
      let
        service = config.systemd.services.backdoor;
        names = builtins.match ".*address.==\"([^\"]*)\".*NAME=\"([^\"]*)\".*";
        interfaces = map (rule: {
          mac = builtins.elemAt rule 0;
          name = builtins.elemAt rule 1;
        }) (
          builtins.filter (rule: rule != null) (
            map names (lib.splitString "\n" config.boot.initrd.services.udev.rules)
          )
        );
        addressesOf =
          { name, mac }:
          lib.concatMapStrings (
            { address, prefixLength }: "${name} ${mac} ${address}/${toString prefixLength}\n"
          ) (config.networking.interfaces.${name} or { }).ipv4.addresses or [ ];
      in
      runCommand "nixos-system-${config.system.name}"
        {
          programs = pkgs.systemPrograms;
          init = ../microvm/stage_2.sh;
          hostName = config.system.name;
          hosts = config.networking.extraHosts or "";
          interfaces = lib.concatMapStrings addressesOf interfaces;
          path = lib.makeBinPath (service.path or [ ]);
          command = service.serviceConfig.ExecStart or "true";
        }
        ''
          mkdir -p $out
          echo "$hostName" > $out/name
          echo -n "$hosts" > $out/hosts
          echo -n "$interfaces" > $out/interfaces
          printf '#!%s sh\nexport PATH=%s\nexec %s\n' \
            $programs/usr/bin/busybox "$path" "$command" > $out/backdoor
          {
            echo "#!$programs/usr/bin/busybox sh"
            echo "programs=$programs"
            cat $init
          } > $out/init
          chmod +x $out/init $out/backdoor
        '';

    # What `system.build.vm` of every system here is: the tests' guest of its name.
    guestVm =
      name:
      runCommand "vm-${name}" { guests = variable "VMWRIGHT_TEST_GUESTS" "/no-guests"; } ''
        mkdir -p $out/bin
        ln -s $guests/run-${name}-vm $out/bin/run-${name}-vm
      '';

    testers.runNixOSTest =
      module:
      (import ./nixos/lib/testing { inherit lib; }).runTest {
        imports = [ module ];
        hostPkgs = pkgs;
      };
  };
in
pkgs
