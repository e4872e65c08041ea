# Sets the command that starts a runner: a file with the runner's text, which is
# open and already removed.
#
# Where such a file can be executed, that saves a new bash for every command;
# where no writable place allows that, and with a bash before 5.0, which lets
# nobody change $0, every command costs one. The file is found where this
# shell has it open: a path through /proc/self is new for each process, and the
# kernel has to make it. Messages of bash's own begin with that path, and not with
# $0: they take it from BASH_SOURCE, which bash lets nobody change.

# A runner says that it waits, and who it is. In two parts, no list of processes
# shows the token.
vw_runner="printf vw%srdy%07d ${vw_token#vw} \$\$; $vw_runner"
vw_shell=("$BASH" -c "$vw_runner" bash)
vw_install() {
  local place file
  [ -n "${BASH_ARGV0-}" ] || return
  for place in /run /dev/shm /tmp /var/tmp /; do
    file=$place/.vw$$
    printf %s "$vw_runner" 2>/dev/null >"$file" || continue
    chmod 700 "$file" && exec 9<"$file"
    { rm -f "$file" & } 2>/dev/null
    # Nothing is there to be read.
    /proc/$$/fd/9 >&0
    if [ $? = 129 ]; then
      vw_shell=(/proc/$$/fd/9)
      return
    fi
    exec 9<&-
  done
}
vw_install </dev/null 2>/dev/null
unset -f vw_install
