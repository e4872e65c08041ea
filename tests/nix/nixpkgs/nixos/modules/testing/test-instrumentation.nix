{ lib, pkgs, ... }:
{
  testing.instrumented = true;
  boot.kernelParams = [
    "console=ttyS0"
    "console=tty0"
    "panic=1"
    "clocksource=acpi_pm"
  ];
  systemd.services.backdoor = {
    requires = [ "dev-hvc0.device" ];
    script = "exec bash /dev/hvc0";
  };
  virtualisation.qemu.package = lib.mkDefault pkgs.qemu_test;
}
