# Runs a shell on a console that is plugged in meanwhile.
# $1: rows. $2: columns. $3: TERM. $4: written to the console, after a NUL, when
# the shell has ended. Says when the console may come, and which it is.

# Nothing in the guest tells which hvc a port has become; but only one with a
# port behind it can be opened.
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

# The first kind of terminal that the guest has heard of.
for term in "$3" xterm-256color xterm linux vt100 ''; do
  for place in /etc /lib /usr/lib /usr/share /run/current-system/sw/share; do
    [ -n "$term" ] && [ -e "$place/terminfo/${term::1}/$term" ] && break 2
  done
done

# While nobody has it open, what is typed is lost, and its size is forgotten.
exec 8<>"$device"
stty rows "$1" cols "$2" <&8
echo "$device"
(
  # That of the backdoor is empty.
  unset PS1
  cd ~ 2>/dev/null || :
  # The leader of a new session that opens a terminal is controlled by it.
  TERM=${term:-$3} exec setsid bash -c 'exec bash -i <>"$0" >&0 2>&0' \
    "$device" 8>&-
) || :
# The end of the session has hung up all that had the terminal open. Where it is
# gone, nobody waits for a word.
printf '\0%s' "$4" 2>/dev/null >"$device" || :
