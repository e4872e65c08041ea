# Serves a port: one waiting runner after the other. The backdoor shell evaluates
# this in a process of its own, with the port's name and a mark.
#
# After each command, the server closes the port and opens it again, and only
# then writes how the command ended. The kernel lets one process at a time open a
# port. So if opening succeeds, no child has the port, and all of the command's
# output is in its stream. If opening fails, a child that the command left behind
# holds the port, and the server gives it up.
#
# A port may hold bytes that were sent to a guest before this one. The server
# drops all bytes up to a line with the mark, which the host sends when it hears
# that the server runs.
#
# If a runner was killed, the host may have sent it a frame meanwhile. The server
# says so; the host answers with a line that ends what it has sent; and the
# server says whether the runner had left the frame unread.
#
# Each runner copies and clears away the variables, functions and remembered
# programs of this shell: so the server drops all that runners need not have.
# Job control (set -m) gives each runner a process group. It also has a subshell
# wait on for a job that is stopped, and keeps an interrupt that ends a runner
# from ending the loop.
set -m
hash -r
vw_path=${vw_device[$1]}
# What is not open need not be saved when the loop redirects it.
exec 4>&2 5>&1 </dev/null >&- 2>/dev/null 9<&-
{
  printf '%s open %s %s\n' "$vw_token" "$1" "$2" >&5
  while LC_ALL=C IFS= read -r REPLY <&1; do
    [[ $REPLY != *"$vw_token $2" ]] || break
  done
} 1<>"$vw_path" && {
  unset -f vw_find vw_start vw_seldom
  unset REPLY vw_device vw_pid vw_runner vw_serve vw_rest
  vw_code=
  while {
    printf %s "$vw_code"
    "${vw_shell[@]}" 2>&4- 5>&- &&
      printf -v vw_code '%s0         ' "$vw_token" || {
      printf -v vw_code '%s%-10d' "$vw_token" $?
      # No function does this, nor a variable that stays: each runner would have
      # to clear them away.
      [[ ${vw_code#"$vw_token"} != 1[2-5][0-9]* ]] || {
        printf '%s%-10s' "$vw_token" killed
        vw_unread=
        while LC_ALL=C IFS= read -r REPLY <&1; do
          vw_unread=${vw_unread:-$REPLY}
          [[ $REPLY != *"$vw_token "* ]] || break
        done
        [[ $vw_unread != "${REPLY##* } "* ]] ||
          printf '%s%-10s' "$vw_token" unread
        unset vw_unread REPLY
      }
    }
  } 1<>"$vw_path"; do :; done
}
printf '%s lost %s %s\n' "$vw_token" "$1" "${vw_code#"$vw_token"}" >&5
# The host asks how this has ended where the console has lost what it said.
exit ${vw_code#"$vw_token"}
