# vmwright from the checkout's sources on the Deno that runs the tests, laid out like the real package.
# But what checks scripts are the bundle and its declarations, which take less time to read than the
# sources in the real package; the test of that one reads them.
#
# VMWRIGHT_TEST_DENO      that Deno
# VMWRIGHT_TEST_DENO_DIR  its cache, which has the npm packages of the lock file
# VMWRIGHT_TEST_BUNDLE    the directory of the bundle
{ pkgs }:
let
  root = toString ../..;
in
pkgs.runCommand "vmwright" { } ''
  mkdir -p $out/bin $out/share/vmwright
  ln -s ${builtins.getEnv "VMWRIGHT_TEST_BUNDLE"}/{cli.js,mod.d.ts} $out/share/vmwright/
  cat > $out/bin/vmwright <<END
  #!/bin/bash
  export DENO_DIR=${builtins.getEnv "VMWRIGHT_TEST_DENO_DIR"}
  exec ${builtins.getEnv "VMWRIGHT_TEST_DENO"} run -A --config ${root}/deno.json ${root}/cli.ts "\$@"
  END
  chmod +x $out/bin/vmwright
''
