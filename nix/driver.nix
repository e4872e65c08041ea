# `lib.mkDriver`: a test's driver from start scripts or NixOS systems, without the test framework.
{ packageFor }:
{
  pkgs,
  name ? "test",
  package ? packageFor pkgs,
  # The start command of each machine, by its name: a start script, a microVM's description that is
  # called `*-firecracker.json` or `*-cloud-hypervisor.json`, or a package with one such file, called
  # `bin/run-*-vm` or `bin/run-*.json`.
  machines ? { },
  # NixOS systems by name. `system.build.vm` of each starts it.
  nodes ? { },
  # NixOS systems by name. `system.build.nspawn` of each starts it as a container.
  containers ? { },
  # The script: a file, or its text.
  testScript,
  # "python" or "typescript". By default the file's name decides; a text is TypeScript.
  testScriptLanguage ? null,
  # The numbers of VLANs, or the machines of each: `{ "1" = [ "client" "server" ]; }`. By default
  # those of the nodes.
  vlans ? null,
  # Seconds.
  globalTimeout ? 3600,
  enableOCR ? false,
  extraPythonPackages ? _: [ ],
  extraDriverArgs ? [ ],
  # Snapshots of `mkSnapshot`, at which `snapshot()` with `keep` begins.
  snapshots ? [ ],
  qemu ? pkgs.qemu_test,
  firecracker ? pkgs.firecracker,
  cloudHypervisor ? pkgs.cloud-hypervisor,
  skipTypeCheck ? false,
  skipLint ? false,
  passthru ? { },
  meta ? { },
  ...
}@arguments:
let
  inherit (pkgs) lib;
  checked = import ./arguments.nix { inherit lib; } "mkDriver" "driver" arguments;
  scripts = import ./script.nix { inherit lib; };
  hypervisors = import ./microvm/hypervisors.nix { inherit lib; };

  language = scripts.languageOf testScript testScriptLanguage;

  configurationsOf = builtins.mapAttrs (_: system: system.config or system);
  nodeConfigurations = configurationsOf nodes;
  containerConfigurations = configurationsOf containers;
  builtAs =
    kind:
    lib.mapAttrsToList (
      name: system: {
        inherit name;
        startScript = system.system.build.${kind};
      }
    );
  started =
    lib.mapAttrsToList (name: startScript: { inherit name startScript; }) machines
    ++ builtAs "vm" nodeConfigurations;
  contained = builtAs "nspawn" containerConfigurations;
  names = builtins.seq checked (
    scripts.checkNames (map (machine: machine.name) (started ++ contained))
  );
  numbers =
    if vlans == null then
      lib.unique (
        lib.concatMap scripts.vlansOf (
          builtins.attrValues nodeConfigurations ++ builtins.attrValues containerConfigurations
        )
      )
    else
      scripts.vlanNumbers names vlans;
in
builtins.seq names (
  import ./wrap.nix {
    inherit
      pkgs
      package
      name
      language
      globalTimeout
      enableOCR
      extraPythonPackages
      extraDriverArgs
      snapshots
      qemu
      skipTypeCheck
      skipLint
      passthru
      meta
      ;
    script = scripts.fileOf pkgs language testScript;
    machines = started;
    vlans = numbers;
    containers = contained;
    extraPackages =
      lib.optionals (contained != [ ]) [
        pkgs.e2fsprogs
        pkgs.systemd
      ]
      ++ hypervisors.toolsOf pkgs { inherit firecracker cloudHypervisor; } (
        map (node: node.vmwright.backend or "qemu") (builtins.attrValues nodeConfigurations)
      );
  }
)
