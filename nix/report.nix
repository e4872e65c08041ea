# Shell code that runs a test and always succeeds: with the verdict in a file, and
# with the results in the form that `vmwright report` puts together (`suite.json`).
#
# Attributes of the derivation:
#   retries    how often a test that does not pass runs again
#   suiteName  the suite's name, in JSON
#   testName   the test's name in it, in JSON
#
# `run` is the shell code that runs the test once, with what it leaves in `$out`.
run: ''
  # Milliseconds, and seconds of milliseconds.
  now() { date +%s%3N; }
  seconds() { printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)); }

  began=$(now)
  attempts=
  for ((number = 1; ; number++)); do
    # The only attempt that most tests have is at the top.
    place=.
    directory=$out
    if [ $number != 1 ]; then
      place=attempts/$number
      directory=$out/$place
    fi
    mkdir -p $directory
    begun=$(now)
    set +e
    (
      set -e
      out=$directory
      export eventsFile=events.jsonl junitXml=junit.xml
      ${run}
    )
    status=$?
    set -e
    took=$(($(now) - begun))
    ${import ./verdict.nix}
    shown=$verdict
    if [ $verdict = interrupted ]; then
      shown=unfinished
    fi
    attempts+=''${attempts:+,}$(printf '{"verdict":"%s","directory":"%s","date":%d,"duration":%s,"exitCode":%d}' \
      $shown $place $begun $(seconds $took) $status)
    case $verdict in
      failed | timeout | crashed)
        if [ $number -le $retries ]; then
          echo "the test did not pass: $verdict; it runs again" >&2
          continue
        fi
        ;;
      passed)
        if [ $number != 1 ]; then
          verdict=flaky shown=flaky
        fi
        ;;
    esac
    break
  done
  took=$(($(now) - began))

  echo $verdict > $out/verdict
  printf '{"format":"vmwright-suite","version":1,"name":%s,"date":%d,"duration":%s,"planned":[%s],"tests":[{"name":%s,"tags":[],"verdict":"%s","duration":%s,"attempts":[%s]}],"budget":{"memory":0,"workers":1,"peak":0}}\n' \
    "$suiteName" $began $(seconds $took) "$testName" "$testName" $shown $(seconds $took) "$attempts" > $out/suite.json

  # Hydra shows the page, and counts the build as one that failed with an output.
  mkdir -p $out/nix-support
  echo "report test $out report.html" > $out/nix-support/hydra-build-products
  if [ $verdict != passed ] && [ $verdict != flaky ]; then
    echo $verdict > $out/nix-support/failed
  fi
''
