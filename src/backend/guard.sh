# Watches the driver from outside: its standard input ends when the driver
# does, however that happened. What the driver then still owns is ended here.
# Its argument is the run's token. Lines: "group N", "ungroup N",
# "directory D", "undirectory D", where D is escaped for printf %b.
# Signals that a terminal sends to everybody are the driver's business.
trap '' INT TERM HUP QUIT
groups=
directories=
token=$1
while IFS= read -r line; do
  verb=${line%% *}
  word=${line#* }
  case $verb in
    group) groups="$groups $word " ;;
    ungroup)
      case $groups in
        *" $word "*) groups="${groups%% "$word" *} ${groups#* "$word" }" ;;
      esac
      ;;
    directory) directories="$directories$word
" ;;
    undirectory)
      case $directories in
        *"$word
"*) directories="${directories%%"$word
"*}${directories#*"$word
"}" ;;
      esac
      ;;
  esac
done
for group in $groups; do
  kill -s KILL -- "-$group"
done
# Those that left their group bear the run's token in their environment.
# grep complains of processes that go meanwhile, whatever else it finds.
while pids=$(grep -lasF "VMWRIGHT_RUN=$token" /proc/[0-9]*/environ || :) &&
  [ -n "$pids" ]; do
  for pid in $pids; do
    pid=${pid#/proc/}
    kill -s KILL "${pid%/environ}"
  done
done
printf %s "$directories" | while IFS= read -r directory; do
  # The slash keeps a line break at the end.
  rm -rf -- "$(printf %b/ "$directory")"
done
