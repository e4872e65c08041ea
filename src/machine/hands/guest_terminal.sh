# Runs a shell on a console that the driver plugs in meanwhile. $1: rows. $2:
# columns. $3: TERM. $4: the text to write to the console, after a NUL, when the
# shell has ended. Prints when the driver may add the console, and then its
# device.

# Nothing in the guest tells which hvc device belongs to a port. But only a
# device with a port can be opened.
consoles() {
  local device
  for device in /dev/hvc*; do
    { : <>"$device"; } 2>/dev/null && printf '%s ' "$device"
  done
  printf ' '
}

type setsid >/dev/null 2>&1 || exit 4
before=" $(consoles) "
echo ready
device=
for ((tries = 0; tries < 500; tries++)); do
  for device in $(consoles); do
    case $before in
      *" $device "*) device= ;;
      *) break 2 ;;
    esac
  done
  read -r -t 0.02 -u 1 _ 2>/dev/null || [ $? -gt 128 ] || sleep 0.02
done
[ -n "$device" ] || exit 3

# Chooses the first kind of terminal that the guest knows.
for term in "$3" xterm-256color xterm linux vt100 ''; do
  for place in /etc /lib /usr/lib /usr/share /run/current-system/sw/share; do
    [ -n "$term" ] && [ -e "$place/terminfo/${term::1}/$term" ] && break 2
  done
done

# While no process has the console open, it loses its input and its size.
exec 8<>"$device"
stty rows "$1" cols "$2" <&8
echo "$device"
(
  # The backdoor's own TERM is empty.
  unset PS1
  cd ~ 2>/dev/null || :
  # A terminal controls the leader of a new session that opens it.
  TERM=${term:-$3} exec setsid bash -c 'exec bash -i <>"$0" >&0 2>&0' \
    "$device" 8>&-
) || :
# The end of the session has hung up all processes on the terminal. If the
# console is gone, nobody waits for the text.
printf '\0%s' "$4" 2>/dev/null >"$device" || :
