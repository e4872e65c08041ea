# Builds vmwright from its sources: the WASM from AssemblyScript, a bundle of everything in one
# script, and that script as one binary with Deno's runtime or, if that runtime is not available, as
# a script for Deno.
{
  lib,
  stdenv,
  runCommand,
  fetchurl,
  makeWrapper,
  deno,
  # The runtime in a compiled binary. It is an output of nixpkgs' `deno`; earlier it was a package.
  denort ? null,
  bash,
  coreutils,
  gnugrep,
  util-linux,
  vde2,
  tesseract4,
  # By default true if the runtime is available.
  compiled ? (deno ? denort || denort != null),
  enableOCR ? false,
}:
let
  manifest = builtins.fromJSON (builtins.readFile ../deno.json);

  # Older versions do not bundle WASM, and import modules of text only with an option.
  recentDeno =
    if lib.versionOlder deno.version "2.8" then
      throw "this nixpkgs has Deno ${deno.version}, expected 2.8 or newer for vmwright"
    else
      deno;

  runtime =
    if deno ? denort then
      deno.denort
    else if denort != null then
      denort
    else
      throw "this nixpkgs has no denort, which a compiled vmwright carries; expected `deno.denort` or `denort`, or use the package `script`";

  npmPackages =
    lockFile:
    import ./npm.nix {
      inherit
        lib
        runCommand
        fetchurl
        lockFile
        ;
    };

  # `deno bundle` looks for its own esbuild in Deno's cache before it downloads it; from 2.9.6 on,
  # in the second of these directories.
  esbuild = {
    version = "0.25.5";
    directories = [
      "esbuild-${esbuild.version}"
      "esbuild-${esbuild.version}-1"
    ];
    platform = if stdenv.hostPlatform.isAarch64 then "linux-arm64" else "linux-x64";
    hash =
      if stdenv.hostPlatform.isAarch64 then
        "sha512-Z9kfb1v6ZlGbWj8EJk9T6czVEjjq2ntSYLY2cw6pAZl4oKtfgQuS4HOq41M/BcoLPzrUbNd+R4BXFyH//nHxVg=="
      else
        "sha512-uhj8N2obKTE6pSZ+aMUbqq+1nXxNjZIIjCjGLfsWvVpy7gKCOL6rsY1MhRh9zLtUtAI7vpgLMK6DxjO8Qm9lJw==";
  };
  esbuildTarball = fetchurl {
    url = "https://registry.npmjs.org/@esbuild/${esbuild.platform}/-/${esbuild.platform}-${esbuild.version}.tgz";
    inherit (esbuild) hash;
  };

  # The files of the program. Changes of other files need no rebuild.
  parts = [
    "cli.ts"
    "deno.json"
    "deno.lock"
    "mod.ts"
    "src"
    "wasm"
  ];
  root = toString ../.;
  partOf = path: builtins.head (lib.splitString "/" (lib.removePrefix "${root}/" path));
  src = builtins.path {
    name = "vmwright-source";
    path = ../.;
    filter = path: _: builtins.elem (partOf path) parts;
  };

  # Deno finds the packages there.
  offline =
    manifest:
    builtins.toFile "deno.json" (
      builtins.toJSON (builtins.fromJSON (builtins.readFile manifest) // { nodeModulesDir = "manual"; })
    );
in
stdenv.mkDerivation {
  pname = if compiled then "vmwright" else "vmwright-script";
  inherit (manifest) version;
  inherit src;

  nativeBuildInputs = [
    recentDeno
    makeWrapper
  ];

  env = lib.optionalAttrs compiled { DENORT_BIN = "${runtime}/bin/denort"; };

  configurePhase = ''
    runHook preConfigure
    export HOME=$TMPDIR DENO_DIR=$TMPDIR/deno
    # The build downloads nothing, not even without a sandbox.
    export NPM_CONFIG_REGISTRY=http://localhost:9
    cp ${offline ../deno.json} deno.json
    cp ${offline ../wasm/deno.json} wasm/deno.json
    runHook postConfigure
  '';

  buildPhase = ''
    runHook preBuild
    ln -s ${npmPackages ../wasm/deno.lock}/node_modules wasm/node_modules
    deno run -A --cached-only wasm/build.ts
    ln -s ${npmPackages ../deno.lock}/node_modules node_modules
    tar -xzf ${esbuildTarball} package/bin/esbuild
    for directory in ${toString esbuild.directories}; do
      install -D package/bin/esbuild $DENO_DIR/dl/$directory/esbuild-${esbuild.platform}
    done
    if ! deno bundle --platform=deno --format=esm --output=dist/cli.js cli.ts 2> bundle.log; then
      if grep -q @esbuild bundle.log; then
        echo "Deno ${deno.version} does not bundle by esbuild ${esbuild.version}, expected a Deno that finds it in its cache" >&2
      else
        cat bundle.log >&2
      fi
      exit 1
    fi
    ${lib.optionalString compiled ''
      rm node_modules
      deno compile -A --cached-only --no-check --no-config --v8-flags=--max-semi-space-size=4 --output vmwright dist/cli.js
    ''}
    runHook postBuild
  '';

  # The compiled program also needs the bundle: it checks types with a Deno that has a type checker,
  # against the sources beside it. It checks the types of Python scripts against the Python modules
  # in them.
  installPhase = ''
    runHook preInstall
    install -D -m 644 -t $out/share/vmwright dist/cli.js mod.ts deno.json
    install -D -m 644 -t $out/share/vmwright/wasm wasm/scanner.wasm
    cp -r src $out/share/vmwright/
    ${lib.optionalString compiled "install -D vmwright $out/libexec/vmwright"}
    makeWrapper ${
      if compiled then
        "$out/libexec/vmwright $out/bin/vmwright"
      else
        "${lib.getExe deno} $out/bin/vmwright --add-flags 'run -A --v8-flags=--max-semi-space-size=4 --no-config --no-lock '$out/share/vmwright/cli.js"
    } --prefix PATH : ${
      lib.makeBinPath (
        [
          bash
          coreutils
          gnugrep
          util-linux
          vde2
        ]
        ++ lib.optional enableOCR tesseract4
      )
    }
    runHook postInstall
  '';

  # For the type checks of drivers.
  passthru = { inherit deno; };

  # A compiled binary has the program after its sections, which both tools would remove.
  dontStrip = true;
  dontPatchELF = true;

  meta = {
    description = "NixOS test driver in TypeScript: boots virtual machines and runs test scripts against them";
    license = lib.licenses.mit;
    mainProgram = "vmwright";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
  };
}
