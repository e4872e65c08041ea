# The driver of one test: it wraps vmwright with the test's script, machines and tools, so that
# `bin/nixos-test-driver` needs no arguments and no environment.
{
  pkgs,
  # vmwright itself.
  package,
  name,
  # "python" or "typescript".
  language,
  # The test script, a file.
  script,
  # How an author chooses TypeScript.
  languageOption ? "testScriptLanguage = \"typescript\"",
  # Virtual machines and containers, by name: a start script, a microVM's description, or a package with
  # a `bin/run-*-vm`, a `bin/run-*.json` or, for containers, a `bin/run-*-nspawn`.
  machines,
  containers ? [ ],
  vlans,
  globalTimeout,
  # A file for `--config`, which then has all of the above except the language.
  configurationFile ? null,
  extraDriverArgs ? [ ],
  # Snapshots of `mkSnapshot`.
  snapshots ? [ ],
  # QEMU, for scripts that use its tools.
  qemu,
  extraPackages ? [ ],
  extraPythonPackages ? _: [ ],
  enableOCR ? false,
  skipTypeCheck ? false,
  skipLint ? false,
  passthru ? { },
  meta ? { },
}:
let
  inherit (pkgs) lib;
  inherit (lib) escapeShellArg;

  isPython = language == "python";
  python = pkgs.python3.withPackages extraPythonPackages;
  tools = [
    qemu
  ]
  ++ lib.optionals isPython [
    # Packages that Python scripts have beside the NixOS driver.
    python
    pkgs.coreutils
    pkgs.netpbm
    pkgs.socat
  ]
  ++ lib.optional enableOCR (pkgs.tesseract4.override { enableLanguages = [ "eng" ]; })
  ++ extraPackages;

  machineFlags = lib.optionalString (configurationFile != null) "--config ${configurationFile}";

  # A compiled vmwright has no type checker for TypeScript, so the check uses the Deno that built
  # it.
  checker =
    if isPython then
      "${package}/bin/vmwright"
    else
      "deno run -A --no-config --no-lock ${package}/share/vmwright/cli.js";

  checkFlags = lib.concatStringsSep " " (
    [ "--language ${language}" ]
    ++ lib.optional skipTypeCheck "--no-check"
    ++ lib.optional skipLint "--no-lint"
    ++ lib.optional (configurationFile != null) machineFlags
  );

  check = ''
    echo "Checking the test script (skipTypeCheck leaves out its types, skipLint other mistakes)"
    HOME=$TMPDIR ${checker} check ${checkFlags} ${escapeShellArg script}
  '';
  isChecked = !(skipTypeCheck && skipLint);

  # Beginnings of lines in TypeScript. Some of them occur in Python too; then the text parses as
  # Python.
  typescriptLine = "^[[:space:]]*(await [A-Za-z_]|(const|let) [A-Za-z_[{]|import [^\"']* from [\"'])";

  hintAtLanguage = ''
    if grep -qE ${escapeShellArg typescriptLine} ${escapeShellArg script} &&
      ! ${python}/bin/python3 -c 'import sys; compile(open(sys.argv[1]).read(), "script", "exec")' \
        ${escapeShellArg script} 2> /dev/null; then
      echo "the test script is no Python and looks like TypeScript; for that, set "${escapeShellArg languageOption} >&2
      exit 1
    fi
  '';

  addStartScript = kind: machine: ''
    addStartScript ${kind} ${escapeShellArg machine.name} ${escapeShellArg "${machine.startScript}"}
  '';

  useStartScripts = ''
    scripts=()
    # Those of the named files that exist.
    existing() {
      local file
      for file; do
        if [ -e "$file" ]; then
          found+=("$file")
        fi
      done
    }
    addStartScript() {
      local kind=$1 found=()
      if [ -d "$3" ]; then
        existing "$3"/bin/run-*-"$kind"
        if [ "$kind" = vm ]; then
          existing "$3"/bin/run-*-firecracker.json "$3"/bin/run-*-cloud-hypervisor.json
        fi
      else
        existing "$3"
      fi
      if [ ''${#found[@]} != 1 ]; then
        echo "machine $2 has $3, expected a start script or a directory with one bin/run-*-$kind" >&2
        exit 1
      fi
      # A microVM has its hypervisor's name there.
      case ''${found[0]} in
        *-firecracker.json) kind=firecracker.json ;;
        *-cloud-hypervisor.json) kind=cloud-hypervisor.json ;;
      esac
      # A machine has the name in its start script's name.
      if [ "$(basename "''${found[0]}")" != "run-$2-$kind" ]; then
        mkdir -p "$out/start-scripts"
        ln -s "''${found[0]}" "$out/start-scripts/run-$2-$kind"
        found=("$out/start-scripts/run-$2-$kind")
      fi
      scripts+=("''${found[0]}")
    }
    ${lib.concatMapStrings (addStartScript "vm") machines}
    ${lib.concatMapStrings (addStartScript "nspawn") containers}
    export startScripts="''${scripts[*]}"
    export vlans=${escapeShellArg (toString vlans)}
  '';

  wrapperArguments = [
    "--prefix PATH : ${lib.makeBinPath tools}"
    # The build has checked the script, so runs do not check it again.
    ''--add-flags "--language ${language}${lib.optionalString (!isPython) " --no-check"}"''
  ]
  ++ map (argument: "--add-flags ${escapeShellArg argument}") extraDriverArgs
  ++ lib.optional (snapshots != [ ]) "--prefix VMWRIGHT_SNAPSHOTS : ${
    lib.concatMapStringsSep ":" (snapshot: "${snapshot}/snapshots") snapshots
  }"
  ++ (
    if configurationFile != null then
      [ "--add-flags ${escapeShellArg machineFlags}" ]
    else
      [
        ''--set startScripts "$startScripts"''
        ''--set vlans "$vlans"''
        "--set testScript ${escapeShellArg script}"
        "--set globalTimeout ${toString globalTimeout}"
      ]
  );
in
pkgs.runCommand "nixos-test-driver-${name}"
  {
    nativeBuildInputs = [
      pkgs.makeWrapper
    ]
    ++ lib.optional (isPython && isChecked) python
    ++ lib.optional (isPython && !skipTypeCheck) (pkgs.ty or pkgs.mypy)
    ++ lib.optional (isPython && !skipLint && pkgs ? ruff) pkgs.ruff
    ++ lib.optional (!isPython && isChecked) (package.deno or pkgs.deno);
    preferLocalBuild = true;
    inherit passthru;
    meta = meta // {
      mainProgram = "nixos-test-driver";
    };
  }
  ''
    mkdir -p $out/bin
    ln -s ${escapeShellArg script} $out/test-script
    ${lib.optionalString (configurationFile == null) useStartScripts}
    ${lib.optionalString isPython hintAtLanguage}
    ${lib.optionalString isChecked check}
    makeWrapper ${package}/bin/vmwright $out/bin/nixos-test-driver \
      ${lib.concatStringsSep " " wrapperArguments}
  ''
