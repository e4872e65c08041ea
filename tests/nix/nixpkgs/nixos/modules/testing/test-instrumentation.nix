{ lib, pkgs, ... }:
{
  testing.instrumented = true;
  virtualisation.qemu.package = lib.mkDefault pkgs.qemu_test;
}
