# `lib.runTest`: a derivation whose build runs a test's driver. Its output has the report and the
# logs. If the test fails, the build fails. `report` is the same test as a build that always
# succeeds, with the result in a file `verdict`.
let
  verdict = import ./verdict.nix;

  runTest =
    {
      pkgs,
      driver,
      name ? "test",
      alwaysSucceed ? false,
      requiredSystemFeatures ? [
        "nixos-test"
        "kvm"
      ],
      passthru ? { },
      meta ? { },
    }@arguments:
    pkgs.runCommand "vm-test-${if alwaysSucceed then "report" else "run"}-${name}"
      {
        inherit requiredSystemFeatures;
        passthru = {
          inherit driver;
          report = runTest (arguments // { alwaysSucceed = true; });
        }
        // passthru;
        inherit meta;
      }
      ''
        mkdir -p $out
        export HOME=$TMPDIR
        export LOGFILE=$out/log.xml

        status=0
        ${driver}/bin/nixos-test-driver --output-dir $out --junit-xml junit.xml || status=$?

        ${verdict}
        ${
          if alwaysSucceed then
            "echo $verdict > $out/verdict"
          else
            ''
              if [ $status != 0 ]; then
                echo "test ${name}: $verdict; the attribute 'report' of this derivation builds its report and logs" >&2
                exit $status
              fi''
        }
      '';
in
runTest
