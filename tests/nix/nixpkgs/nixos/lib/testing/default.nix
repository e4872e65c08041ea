# The NixOS test framework's options, as its two generations have them, and a derivation that runs the driver.
# "environment" speaks to the driver in environment variables, "configuration" in a JSON file.
{
  lib,
  generation ? "configuration",
}:
let
  evalTest =
    module:
    lib.evalModules {
      modules = [
        ./common.nix
        (if generation == "configuration" then ./configuration.nix else ./environment.nix)
        module
      ];
      class = "nixosTest";
    };
in
{
  inherit evalTest;
  runTest = module: (evalTest module).config.test;
}
