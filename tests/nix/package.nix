# vmwright from the checkout's sources on the Deno that runs the tests, laid out like the real package.
#
# VMWRIGHT_TEST_DENO      that Deno
# VMWRIGHT_TEST_DENO_DIR  its cache, which has the npm packages of the lock file
{ pkgs }:
let
  root = toString ../..;
in
pkgs.runCommand "vmwright" { } ''
  mkdir -p $out/bin $out/share/vmwright
  echo 'import { main } from "${root}/src/cli/main.ts"; Deno.exit(await main(Deno.args));' \
    > $out/share/vmwright/cli.js
  ln -s ${root}/mod.ts ${root}/src ${root}/wasm $out/share/vmwright/
  cat > $out/bin/vmwright <<END
  #!/bin/bash
  export DENO_DIR=${builtins.getEnv "VMWRIGHT_TEST_DENO_DIR"}
  exec ${builtins.getEnv "VMWRIGHT_TEST_DENO"} run -A --config ${root}/deno.json ${root}/cli.ts "\$@"
  END
  chmod +x $out/bin/vmwright
''
