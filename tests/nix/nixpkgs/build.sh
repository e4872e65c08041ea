# The builder of every derivation: programs on PATH, then the derivation's own commands.
PATH=$hostPath
for package in ${nativeBuildInputs:-}; do
  PATH=$package/bin:$PATH
done
export PATH
source "$buildCommandPath"
