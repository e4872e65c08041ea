# The hypervisors of nodes, by the names that `backend` has.
{ lib }:
let
  microVms = {
    firecracker = {
      title = "Firecracker";
      argument = "firecracker";
      # Before it, virtual sockets lost bytes.
      oldest = "1.16.1";
    };
    cloud-hypervisor = {
      title = "Cloud Hypervisor";
      argument = "cloudHypervisor";
      oldest = "52";
    };
  };
in
{
  names = [ "qemu" ] ++ builtins.attrNames microVms;

  titleOf = backend: microVms.${backend}.title or "QEMU";

  # What the driver of nodes with these backends needs, as packages. `given` has the hypervisors, by
  # argument.
  toolsOf =
    pkgs: given: backends:
    let
      used = builtins.filter (backend: microVms ? ${backend}) (lib.unique backends);
    in
    # For their networks.
    lib.optional (used != [ ]) pkgs.iproute2
    ++ map (
      backend:
      let
        inherit (microVms.${backend}) title argument oldest;
        package = given.${argument};
        version = package.version or oldest;
      in
      if lib.versionOlder version oldest then
        throw "vmwright has got ${title} ${version}, expected ${oldest} or newer: `${argument}` of mkTest and `vmwright.${argument}` of a framework test take another package"
      else
        package
    ) used;
}
