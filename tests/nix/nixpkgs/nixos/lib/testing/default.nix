# The NixOS test framework's options, as its generations have them, and a derivation that runs the driver.
# "environment" speaks to the driver in environment variables, "containers" too, and "configuration" in a
# JSON file.
{
  lib,
  generation ? "configuration",
}:
let
  generations = {
    environment = [ ./environment.nix ];
    containers = [
      ./environment.nix
      ./containers.nix
    ];
    configuration = [
      ./containers.nix
      ./configuration.nix
    ];
  };

  evalTest =
    module:
    lib.evalModules {
      modules = [
        ./common.nix
        module
      ]
      ++ generations.${generation};
      class = "nixosTest";
    };
in
{
  inherit evalTest;
  runTest = module: (evalTest module).config.test;
}
