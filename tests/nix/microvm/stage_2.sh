# What a microVM's kernel starts at last: a system without systemd that has the addresses and the
# backdoor service of its configuration. $programs has Debian's programs.
system=${0%/*}
busybox=$programs/usr/bin/busybox
for directory in bin sbin lib lib64; do $busybox ln -s "usr/$directory" /$directory; done
$busybox ln -s "$programs/usr" /usr
export PATH=/usr/bin:/usr/sbin
busybox mkdir -p /etc /root /run /tmp /var/tmp /dev/pts /dev/shm
busybox mount -t devpts devpts /dev/pts
busybox mount -t tmpfs tmpfs /run
busybox ln -s /proc/self/fd /dev/fd

busybox hostname "$(cat "$system/name")"
{
  echo 127.0.0.1 localhost
  cat "$system/hosts"
} > /etc/hosts
# As in NixOS, a profile forgets the PATH that a service was given, and has no perl in its own.
profile=/run/current-system/sw/bin
busybox mkdir -p $profile
busybox ln -s /usr/bin/* $profile
busybox rm $profile/perl
echo "export PATH=$profile" > /etc/profile
busybox ip link set lo up
while read -r interface mac address; do
  for card in /sys/class/net/*; do
    [ "$(cat "$card/address")" = "$mac" ] || continue
    card=${card##*/}
    busybox ip link set "$card" name "$interface"
    busybox ip address add "$address" dev "$interface"
    busybox ip link set "$interface" up
  done
done < "$system/interfaces"

"$system/backdoor" &
while :; do busybox sleep 1000; done
