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
    e2fsprogs = hostPrograms "e2fsprogs" [ "chattr" ];
    gnugrep = hostPrograms "gnugrep" [ "grep" ];
    mypy = hostPrograms "mypy" [ "mypy" ];
    netpbm = hostPrograms "netpbm" [ "pnmtopng" ];
    nixfmt-tree = hostPrograms "nixfmt-tree" [ "nixfmt" ] // {
      meta.mainProgram = "treefmt";
    };
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
    vhost-device-vsock = hostPrograms "vhost-device-vsock" [ "vhost-device-vsock" ];

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
