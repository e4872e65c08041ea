# The flake's `lib`. `packageFor` gets vmwright for a package set.
{ packageFor }:
rec {
  mkDriver = import ./driver.nix { inherit packageFor; };
  runTest = import ./run.nix;
  mkTest = import ./test.nix { inherit mkDriver mkTest runTest; };
  mkSuite = import ./suite.nix { inherit packageFor mkTest; };
  mkSnapshot = import ./snapshot.nix { inherit mkTest; };

  # `nixosModules.test` with another vmwright.
  testModule =
    {
      package ? null,
    }:
    import ./test-module.nix {
      packageFor = if package == null then packageFor else _: package;
    };
}
