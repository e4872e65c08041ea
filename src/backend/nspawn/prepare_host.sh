# Prepares a host for systemd-nspawn and its start scripts. A host with systemd
# needs nothing; a build sandbox of Nix does.
set -eu

if [ "$(id -u)" != 0 ]; then
  echo "containers need root, but this is user $(id -u)" >&2
  exit 1
fi
for program in nsenter systemd-socket-activate; do
  command -v "$program" >/dev/null && continue
  echo "containers need $program, which is not in PATH" >&2
  exit 1
done

if ! [ -w /run ]; then
  mkdir -p /run
  mount -t tmpfs none /run
  mkdir -p /run/netns
fi
if ! [ /var/run -ef /run ]; then
  mkdir -p /var
  ln -s /run /var/run
fi
# A host with the older hierarchies of control groups keeps them.
if ! grep -q '^[^ ]* /sys/fs/cgroup ' /proc/mounts; then
  mkdir -p /sys/fs/cgroup
  mount -t cgroup2 none /sys/fs/cgroup
fi
[ -e /etc/os-release ] || : >/etc/os-release
[ -s /etc/machine-id ] || systemd-machine-id-setup
