# The backdoor shell evaluates this before install.sh. Commands have process
# groups of their own. Where this shell has a controlling terminal, they are in
# the background of that, where the kernel stops whoever asks for the terminal,
# such as an interactive shell. So, where the guest has `setsid`, a bash in a
# session of its own goes on in place of this shell, which waits for its end.
#
# That bash has the texts from its environment, as none of its commands has them.
# It evaluates $BASH_ENV first, and then reads the console on where this shell has
# stopped: of a terminal, a bash reads no byte too many.
# fd 7: what is in $BASH_ENV. fd 8: where it says that it goes on. fd 9: stdout.
vw_apart() {
  local bash=$BASH before leader status
  # In an earlier session, this shell has gone on itself; or it is that bash, and
  # `setsid` has not done what it should.
  [ -z "${vw_shell-}" ] || return 0
  [ -c /proc/self/fd/0 ] && { true </dev/tty; } 2>/dev/null &&
    type -P setsid >/dev/null || return 0
  # By another name, or in posix mode, it would not evaluate $BASH_ENV.
  [[ $bash == */bash ]] || bash=bash
  before='unset BASH_ENV'
  [ -z "${BASH_ENV+set}${POSIXLY_CORRECT+set}" ] ||
    before+=$'\n'$(declare -p BASH_ENV POSIXLY_CORRECT 2>/dev/null)
  {
    leader=$(
      unset POSIXLY_CORRECT
      export BASH_ENV=/proc/self/fd/7 vw_runner vw_serve vw_rest REPLY
      # Where this is an interactive shell, it ignores them here.
      trap - TSTP TTIN TTOU
      exec setsid "$bash" --norc /proc/self/fd/0 8>&1 >&9- 7<<<"$before
        vw_token=$vw_token vw_shell=none
        export -n vw_runner vw_serve vw_rest
        # At the end of a shell without a terminal, the kernel hangs up nobody.
        trap 'trap \"\" HUP; kill -HUP 0' EXIT
        exec 7<&-
        eval \"\$REPLY\"
        unset REPLY
        echo \$\$ >&8
        exec 8>&-"
    )
    status=$?
  } 9>&1
  [ -n "$leader" ] || return 0
  # It may have been killed. Whoever started this shell is to notice.
  kill -HUP -- "-$leader" 2>/dev/null
  exit "$status"
}
vw_apart
unset -f vw_apart
