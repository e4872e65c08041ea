# `lib.mkSnapshot`: a derivation whose build boots a test's machines once, and keeps a snapshot of
# them. Tests that have it among their `snapshots` begin there. It takes the arguments of `mkTest`;
# its script brings the machines to where the snapshot is taken, which has the name.
{ mkTest }:
{
  pkgs,
  name,
  testScript ? "",
  testScriptLanguage ? null,
  passthru ? { },
  meta ? { },
  ...
}@arguments:
let
  inherit (pkgs) lib;
  scripts = import ./script.nix { inherit lib; };
  language = scripts.languageOf testScript testScriptLanguage;
  begin =
    if language == "python" then
      ''
        if not any(machine.booted for machine in machines):
            start_all()
        snapshot(name=${builtins.toJSON name}, keep=True)
      ''
    else
      ''
        if (!machines.some((machine) => machine.booted)) await startAll();
        await snapshot({ name: ${builtins.toJSON name}, keep: true });
      '';
  whole = script: "${if scripts.isFile script then builtins.readFile script else script}\n${begin}";
  test = mkTest (
    arguments
    // {
      testScript =
        if lib.isFunction testScript then
          lib.setFunctionArgs (offered: whole (testScript offered)) (lib.functionArgs testScript)
        else
          whole testScript;
      testScriptLanguage = language;
    }
  );
in
pkgs.runCommand "vm-snapshot-${name}"
  {
    inherit (test) requiredSystemFeatures;
    # Memory is one large file, which is not to be sent to another builder and back.
    preferLocalBuild = true;
    passthru = {
      inherit test;
      inherit (test) driver nodes;
    }
    // passthru;
    inherit meta;
  }
  ''
    export HOME=$TMPDIR XDG_CACHE_HOME=$TMPDIR/cache
    ${test.driver}/bin/nixos-test-driver --output-dir $TMPDIR
    mkdir $out
    mv $TMPDIR/cache/vmwright/snapshots $out
  ''
