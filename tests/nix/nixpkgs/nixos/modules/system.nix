# A system, as far as a virtual machine boots it: its kernel, and a script that the kernel starts.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  failed = builtins.filter (one: !one.assertion) config.assertions;
in
{
  options = {
    assertions = mkOption {
      type = types.listOf types.raw;
      default = [ ];
    };
    boot.initrd.availableKernelModules = mkOption {
      type = types.listOf types.str;
      default = [ ];
    };
    boot.initrd.kernelModules = mkOption {
      type = types.listOf types.str;
      default = [ ];
    };
    boot.initrd.services.udev.rules = mkOption {
      type = types.str;
      default = "";
    };
    boot.kernelModules = mkOption {
      type = types.listOf types.str;
      default = [ ];
    };
    networking.useDHCP = mkOption {
      type = types.bool;
      default = true;
    };
    systemd.services = mkOption {
      type = types.attrsOf types.anything;
      default = { };
    };
    boot.kernelParams = mkOption {
      type = types.listOf types.str;
      default = [ ];
    };
    boot.kernelPackages.kernel = mkOption {
      type = types.package;
      default = pkgs.linux;
    };
    system.boot.loader.kernelFile = mkOption {
      type = types.str;
      default = "bzImage";
    };
    system.boot.loader.initrdFile = mkOption {
      type = types.str;
      default = "initrd";
    };
    system.build.initialRamdisk = mkOption {
      type = types.package;
      default = pkgs.initialRamdisk;
    };
    system.build.toplevel = mkOption {
      type = types.package;
      default =
        if failed == [ ] then
          pkgs.system-toplevel config
        else
          throw "\nFailed assertions:\n${lib.concatMapStringsSep "\n" (one: "- ${one.message}") failed}";
    };
  };
}
