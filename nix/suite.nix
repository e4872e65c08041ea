# `lib.mkSuite`: many tests as derivations, one for each, and one that gathers
# their reports. Nix schedules them, on as many builders as it has. A test's
# derivation succeeds even if its test fails, so that there is a report of each;
# those of `checks` and the suite itself fail.
{ packageFor, mkTest }:
{
  pkgs,
  name ? "suite",
  # By name: the arguments of `mkTest`, which may also have `retries`, or a test that `mkTest` or the
  # test framework with this project's module made.
  tests,
  package ? packageFor pkgs,
  # How often a test that does not pass runs again.
  retries ? 0,
  # Whether a test that passes after other attempts is a failure.
  failOnFlaky ? false,
  # The results of earlier suites: the file `history` of such a suite's report.
  history ? null,
  # Any value. A new value makes tests run again that have a report.
  rerun ? null,
  # The system features that a test needs beside its own, by the MiB of memory and the cores of all
  # of its nodes.
  features ? { memory, cores }: pkgs.lib.optional (memory > 8192 || cores > 8) "big-parallel",
  passthru ? { },
  meta ? { },
  ...
}@arguments:
let
  inherit (pkgs) lib;
  checked = import ./arguments.nix { inherit lib; } "mkSuite" "suite" arguments;
  quote = text: "\"${text}\"";
  names = builtins.seq checked (builtins.attrNames tests);

  # As a part of a derivation's name.
  partOfName = lib.stringAsChars (
    character: if builtins.match "[A-Za-z0-9+._?=-]" character == null then "-" else character
  );

  testOf =
    testName: given:
    let
      test = mkTest (
        {
          inherit pkgs package;
          name = partOfName testName;
        }
        // removeAttrs given [ "retries" ]
      );
    in
    if given ? report then
      given
    else if builtins.isAttrs given && !lib.isDerivation given then
      test
    else
      throw "the test ${quote testName} of mkSuite is ${
        if lib.isDerivation given then "a derivation without `report`" else "no attribute set"
      }, expected the arguments of mkTest, or a test that mkTest or nixosModules.test made";

  sum = lib.foldl' builtins.add 0;

  # The needs of all virtual machines and containers of a test together.
  sizeOf =
    test:
    let
      total =
        option: default:
        sum (
          map (node: node.virtualisation.${option} or default) (
            builtins.attrValues (test.nodes or { })
          )
        );
    in
    {
      memory = total "memorySize" 1024;
      cores = total "cores" 1;
    };

  reportOf =
    testName: given:
    let
      test = testOf testName given;
      own = if lib.isDerivation given then { } else given;
      attempts = 1 + (own.retries or retries);
      timeout = own.globalTimeout or test.config.globalTimeout or 3600;
    in
    test.report.overrideAttrs (
      old:
      {
        retries = attempts - 1;
        suiteName = builtins.toJSON name;
        testName = builtins.toJSON testName;
        requiredSystemFeatures = lib.unique (
          old.requiredSystemFeatures or [ ] ++ features (sizeOf test)
        );
        # Hydra ends builds that take longer.
        meta = old.meta or { } // {
          timeout = attempts * timeout + 600;
        };
        passthru = old.passthru or { } // {
          inherit test;
        };
      }
      // lib.optionalAttrs (rerun != null) { rerun = builtins.toJSON rerun; }
    );

  reports = builtins.mapAttrs reportOf tests;

  local = {
    preferLocalBuild = true;
    allowSubstitutes = false;
  };

  # A derivation that fails if its test failed.
  checkOf =
    testName: report:
    pkgs.runCommand "vm-test-check-${partOfName testName}"
      (
        local
        // {
          passthru = { inherit report; } // report.passthru;
        }
      )
      ''
        verdict=$(cat ${report}/verdict)
        case $verdict in
          passed${lib.optionalString (!failOnFlaky) " | flaky"}) ln -s ${report} $out ;;
          *)
            echo "test "${lib.escapeShellArg testName}": $verdict; read ${report}/report.html or nix log ${report}" >&2
            exit 1
            ;;
        esac
      '';
  checks = builtins.mapAttrs checkOf reports;

  report =
    pkgs.runCommand "vm-suite-report-${partOfName name}"
      (
        local
        // {
          inherit meta;
          passthru = {
            tests = reports;
          };
        }
      )
      ''
        mkdir -p $out/nix-support
        export HOME=$TMPDIR
        ${lib.optionalString (history != null) "cat ${history} > $out/history"}
        status=0
        ${package}/bin/vmwright report -o $out ${lib.optionalString failOnFlaky "--fail-on-flaky"} \
          ${lib.escapeShellArgs (builtins.attrValues reports)} > /dev/null 2> $out/summary.txt || status=$?
        cat $out/summary.txt >&2
        case $status in
          0) verdict=passed ;;
          1) verdict=failed ;;
          *) exit $status ;;
        esac
        echo $verdict > $out/verdict
        echo "report suite $out report.html" > $out/nix-support/hydra-build-products
        if [ $verdict != passed ]; then
          echo $verdict > $out/nix-support/failed
        fi
      '';

  suite =
    pkgs.runCommand "vm-suite-${partOfName name}"
      (
        local
        // {
          inherit meta;
          passthru = {
            inherit report;
            tests = reports;
            checks = checks // {
              ${name} = suite;
            };
            hydraJobs = reports // {
              ${name} = report;
            };
            legacyPackages = {
              recurseForDerivations = true;
              inherit report;
              tests = checks // {
                recurseForDerivations = true;
              };
            };
          }
          // passthru;
        }
      )
      ''
        if [ "$(cat ${report}/verdict)" != passed ]; then
          cat ${report}/summary.txt >&2
          echo "suite "${lib.escapeShellArg name}": failed; read ${report}/report.html" >&2
          exit 1
        fi
        ln -s ${report} $out
      '';
in
if names == [ ] then
  throw "mkSuite has no tests, expected one or more"
else if tests ? ${name} then
  throw "a test of mkSuite is called ${quote name} as the suite is, expected another name"
else
  suite
