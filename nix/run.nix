# `lib.runTest`: a derivation whose build runs a test's driver. Its output has the report and the
# logs. If the test fails, the build fails. `report` is the same test as a build that always
# succeeds, with the result in a file `verdict`.
{
  pkgs,
  driver,
  name ? "test",
  requiredSystemFeatures ? [
    "nixos-test"
    "kvm"
  ],
  passthru ? { },
  meta ? { },
}:
let
  run = ''
    mkdir -p $out
    export HOME=$TMPDIR
    export LOGFILE=$out/log.xml
    ${driver}/bin/nixos-test-driver --output-dir $out --junit-xml junit.xml
  '';

  report =
    pkgs.runCommand "vm-test-report-${name}"
      {
        inherit requiredSystemFeatures meta;
        retries = 0;
        suiteName = builtins.toJSON name;
        testName = builtins.toJSON name;
        passthru = {
          inherit driver;
        }
        // passthru;
      }
      (import ./report.nix run);
in
pkgs.runCommand "vm-test-run-${name}"
  {
    inherit requiredSystemFeatures;
    passthru = {
      inherit driver report;
    }
    // passthru;
    inherit meta;
  }
  ''
    directory=$out
    status=0
    (
      set -e
      ${run}
    ) || status=$?
    if [ $status != 0 ]; then
      ${import ./verdict.nix}
      echo "test ${name}: $verdict; the attribute 'report' of this derivation builds its report and logs" >&2
      exit $status
    fi
  ''
