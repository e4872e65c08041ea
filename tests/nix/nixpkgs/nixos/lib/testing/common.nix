{
  config,
  extendModules,
  hostPkgs,
  lib,
  moduleType,
  ...
}:
let
  inherit (lib) mkOption types;
  option =
    type: default:
    mkOption {
      inherit type default;
    };

  nodeType = types.submoduleWith {
    freeform = true;
    modules = [
      ../../modules/system.nix
      ../../modules/virtualisation/qemu-vm.nix
      ../../modules/testing/test-instrumentation.nix
      (
        { config, name, ... }:
        {
          options = {
            networking.hostName = option types.str name;
            virtualisation.vlans = option (types.listOf types.int) [ 1 ];
            virtualisation.interfaces = option (types.attrsOf types.raw) { };
            system.name = option types.str config.networking.hostName;
            system.build.vm = option types.package (
              hostPkgs.guestVm config.networking.hostName
              // {
                meta.mainProgram = "run-${config.networking.hostName}-vm";
              }
            );
          };
          config._module.args.pkgs = hostPkgs;
        }
      )
      config.defaults
    ];
  };
in
{
  options = {
    name = mkOption { type = types.str; };
    hostPkgs = mkOption { type = types.raw; };
    nodes = option (types.lazyAttrsOf nodeType) { };
    defaults = option types.deferredModule { };
    testScript = mkOption { type = types.raw; };
    testScriptString = mkOption { type = types.str; };
    interactive = mkOption { type = moduleType; };
    driver = mkOption { type = types.package; };
    rawTestDerivation = mkOption { type = types.package; };
    rawTestDerivationArg = mkOption { type = types.raw; };
    test = mkOption { type = types.package; };
    meta = option types.raw { };
    passthru = option (types.lazyAttrsOf types.raw) { };
    qemu.package = option types.package hostPkgs.qemu_test;
    globalTimeout = option types.int 3600;
    enableOCR = option types.bool false;
    extraPythonPackages = option types.raw (_: [ ]);
    extraDriverArgs = option (types.listOf types.str) [ ];
    skipLint = option types.bool false;
    skipTypeCheck = option types.bool false;
    enableDebugHook = option types.bool false;
    sshBackdoor.enable = option types.bool config.enableDebugHook;
  };

  config = {
    _module.args.hostPkgs = config.hostPkgs;
    _module.args.pkgs = config.hostPkgs;
    testScriptString =
      if lib.isFunction config.testScript then
        config.testScript { inherit (config) nodes; }
      else
        config.testScript;
    interactive.extraDriverArgs = [ "--interactive" ];
    extraDriverArgs = lib.mkIf config.sshBackdoor.enable [ "--dump-vsocks=2" ];
    driver = hostPkgs.runCommand "the-driver-to-be-replaced" { } "exit 1";
    rawTestDerivationArg = {
      name = "vm-test-run-${config.name}";
      requiredSystemFeatures = [
        "nixos-test"
        "kvm"
      ];
      buildCommand = ''
        mkdir -p $out
        export LOGFILE=/dev/null
        ${config.driver}/bin/nixos-test-driver -o $out
      '';
      inherit (config) passthru meta;
    };
    rawTestDerivation = hostPkgs.stdenv.mkDerivation config.rawTestDerivationArg;
    test = config.rawTestDerivation // config.passthru;
    passthru = {
      inherit (config) driver nodes;
      driverInteractive = config.interactive.driver;
      inherit config;
      extend = { modules }: (extendModules { inherit modules; }).config.test;
      overrideTestDerivation =
        f:
        config.passthru.extend {
          modules = [
            {
              rawTestDerivationArg = lib.mkOverride 99 (
                config.rawTestDerivationArg // f config.rawTestDerivationArg
              );
            }
          ];
        };
    };
  };
}
