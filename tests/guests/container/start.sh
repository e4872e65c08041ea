# Starts a container of Debian's systemd, as NixOS's start scripts for
# containers do: with a root that is empty at first, on the host's own /usr.
#   start.sh NAME NUMBER [VLAN]
set -eu
name=$1
number=$2
vlan=${3:-}
root=$RUN_NSPAWN_ROOT_DIR
shared=$RUN_NSPAWN_SHARED_DIR
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

# What it takes of the host besides /usr is little: the container's own things
# are the units below.
populate() {
  chmod 755 -- "$root"
  mkdir -p -- "$root"/{usr,proc,sys,dev,run,tmp,root,var,etc/systemd/system}
  local link
  for link in /bin /sbin /lib /lib32 /lib64 /libx32; do
    [ ! -L "$link" ] || ln -sfn -- "$(readlink "$link")" "$root$link"
  done
  cp -r /etc/passwd /etc/group /etc/pam.d /etc/alternatives "$root/etc"
  echo "127.0.0.1 localhost $name" > "$root/etc/hosts"
  echo 'export PATH=/usr/sbin:/usr/bin FROM_PROFILE=yes' > "$root/etc/profile"
  # Only a container that has an identity has a journal on its disk.
  [ -e "$root/etc/machine-id" ] ||
    tr -d - < /proc/sys/kernel/random/uuid > "$root/etc/machine-id"
  cd -- "$root/etc/systemd/system"
  local unit
  for unit in systemd-{udevd,logind,firstboot,sysusers,update-utmp}.service \
    systemd-{hwdb-update,journal-catalog-update,update-done}.service \
    systemd-update-utmp-runlevel.service ldconfig.service getty.target; do
    ln -sf /dev/null "$unit"
  done
  ln -sf /usr/lib/systemd/system/multi-user.target default.target
  mkdir -p multi-user.target.wants
  printf '%s\n' > network.service \
    '[Unit]' 'Before=multi-user.target' 'DefaultDependencies=no' \
    '[Service]' 'Type=oneshot' 'RemainAfterExit=yes' \
    'ExecStart=ip link set host0 up' \
    "ExecStart=ip address add 192.168.${vlan:-0}.$number/24 dev host0"
  if [ -n "$vlan" ]; then
    ln -sf ../network.service multi-user.target.wants
  fi
  cd -- "$root"
}

# The bridge is the first container's to make and the last one's to remove. Each
# holds a lock while it uses the bridge: the kernel takes a container's interface
# away only some time after its end.
# fd 8: that lock. fd 9: a lock for who changes the bridge.
bridge() {
  local lock=/run/vmwright-test-br$vlan
  while :; do
    exec 9> "$lock"
    flock 9
    # The last one may have removed the file meanwhile.
    [ "$lock" -ef /proc/self/fd/9 ] && break
  done
  case $1 in
    add)
      [ -e "/sys/class/net/br$vlan" ] || {
        ip link add "br$vlan" type bridge
        ip link set "br$vlan" up
      }
      [ ! -e "/sys/class/net/vde-tap$vlan" ] || {
        ip link set "vde-tap$vlan" master "br$vlan"
        ip link set "vde-tap$vlan" up
      }
      exec 8> "$lock.used"
      flock -s 8
      ;;
    delete)
      ! flock -n 8 || {
        ip link delete "br$vlan"
        rm -f "$lock.used" "$lock"
      }
      ;;
  esac
  exec 9>&-
}

options=(
  # The machine's name is the host's to know, and other runs have one like it.
  "--machine=$name-$$" "--hostname=$name" "--directory=$root"
  --private-network --private-users=no --keep-unit --register=no
  --notify-ready=yes
  --bind-ro=/usr "--bind=$shared:/tmp/shared"
)
# The group is signalled as a whole, so that systemd-nspawn has been told too.
trap : TERM
populate
if [ -n "$vlan" ]; then
  bridge add
  options+=("--network-bridge=br$vlan")
fi
status=0
systemd-nspawn "${options[@]}" /usr/lib/systemd/systemd "${@:4}" <&0 8>&- &
wait "$!" || status=$?
while kill -s 0 "$!" 2> /dev/null; do
  status=0
  wait "$!" || status=$?
done
[ -z "$vlan" ] || bridge delete
exit "$status"
