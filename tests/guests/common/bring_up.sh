# Read by the guests' first scripts, with busybox's programs in the path.

# Everything that the kernel offers under /proc, /sys and /dev.
mount_kernel_filesystems() {
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount -t devtmpfs devtmpfs /dev
}

# Prints the value of a kernel parameter.
parameter() {
  read -r parameters < /proc/cmdline
  for parameter in $parameters; do
    case $parameter in
      "$1="*) echo "${parameter#*=}" ;;
    esac
  done
}

# Gives every interface its address, and writes who is who below $1/etc.
configure_network() {
  name=$(parameter vmwright.name)
  {
    echo "127.0.0.1 localhost"
    echo "::1 localhost"
    for number in 1 2 3 4 5 6 7 8 9; do
      echo "192.168.1.$number node$number"
    done
  } > "$1/etc/hosts"

  ip link set lo up
  if [ -e /sys/class/net/eth0 ]; then
    # QEMU's user-mode network hands out nothing else.
    ip link set eth0 up
    ip address add 10.0.2.15/24 dev eth0
    ip route add default via 10.0.2.2
    echo "nameserver 10.0.2.3" > "$1/etc/resolv.conf"
  fi
  for directory in /sys/class/net/eth[1-9]*; do
    [ -e "$directory" ] || continue
    # The hardware address says where the machine belongs: its last two bytes
    # are the VLAN's and the machine's number.
    read -r mac < "$directory/address"
    machine=0x${mac##*:}
    mac=${mac%:*}
    vlan=0x${mac##*:}
    interface=${directory##*/}
    ip link set "$interface" up
    ip address add "192.168.$((vlan)).$((machine))/24" dev "$interface"
    echo "192.168.$((vlan)).$((machine)) $name" >> "$1/etc/hosts"
  done
}
