# The builder of every derivation: programs on PATH, then the derivation's own commands.
if [ -e "${NIX_ATTRS_SH_FILE:-}" ]; then
  source "$NIX_ATTRS_SH_FILE"
  out=${outputs[out]}
fi
PATH=$hostPath
for package in ${nativeBuildInputs[@]:-}; do
  PATH=$package/bin:$PATH
done
export PATH
if [ -n "${buildCommandPath:-}" ]; then
  source "$buildCommandPath"
else
  eval "$buildCommand"
fi
