# The npm packages of a `deno.lock` as a `node_modules`. Each tarball is a fixed-output derivation
# with the hash from the lock file, so a new lock file needs no new hash here.
{
  lib,
  runCommand,
  fetchurl,
  lockFile,
}:
let
  lock = builtins.fromJSON (builtins.readFile lockFile);

  # "@scope/name@1.2.3_peer@4.5.6"
  parse =
    key:
    let
      parts = builtins.match "(@?[^@]+)@([^_]+)(_.*)?" key;
    in
    {
      name = builtins.elemAt parts 0;
      version = builtins.elemAt parts 1;
      inherit (lock.npm.${key}) integrity;
    };

  packages = map parse (builtins.attrNames lock.npm);

  tarball =
    {
      name,
      version,
      integrity,
    }:
    fetchurl {
      url = "https://registry.npmjs.org/${name}/-/${baseNameOf name}-${version}.tgz";
      hash = integrity;
    };
in
runCommand "vmwright-node-modules" { } (
  "mkdir -p $out/node_modules\n"
  + lib.concatMapStrings (package: ''
    if [ -e $out/node_modules/${package.name} ]; then
      echo "deno.lock has two versions of ${package.name}, expected one" >&2
      exit 1
    fi
    mkdir -p $out/node_modules/${package.name}
    tar -xzf ${tarball package} --strip-components 1 -C $out/node_modules/${package.name}
  '') packages
)
