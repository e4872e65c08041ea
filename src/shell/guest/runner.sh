# The text that a command's process runs first: a runner. It starts before there
# is a command, and waits for one.
#
# The file has no interpreter line on purpose: execve refuses it (ENOEXEC), and
# the forked bash starts over in place as a fresh shell, with its own $$ and none
# of our variables. That costs a twentieth of what a new program costs.
#
# fd 0: nothing. fd 1: the port, from which the frame comes and to which the
# command's output goes. fd 2: the serial port.
# A frame is all ASCII: the process number of the runner that it is for, the
# length of the program in eight digits, and the program, which leads the streams
# elsewhere if the caller wants that, and keeps the command in a variable.
#
# A runner passes over a frame for one that died before it: the process number is
# not its own, so it skips as many bytes as the frame says. A frame that comes
# over the console has the word `console` in place of a number, because nobody
# knows the runner's number there.
#
# The rare cases stand in a text that is evaluated only when they occur, so that a
# shell need not parse them. The one variable is a variable that every bash has.
# The host joins these lines into one: bash counts an author's lines after them.
read -r -N 16 -u 1 BASH_EXECUTION_STRING || exit 129;
[[ $BASH_EXECUTION_STRING = $$\ * ]] &&
read -r -N "${BASH_EXECUTION_STRING#$$ }" -u 1 BASH_EXECUTION_STRING || eval '
until
[[ $BASH_EXECUTION_STRING == console* ]] &&
read -r -N "${BASH_EXECUTION_STRING:8}" -u 1 BASH_EXECUTION_STRING;
do
read -r -N "${BASH_EXECUTION_STRING:8}" -u 1 BASH_EXECUTION_STRING;
read -r -N 16 -u 1 BASH_EXECUTION_STRING || exit 129;
[[ $BASH_EXECUTION_STRING = $$\ * ]] &&
read -r -N "${BASH_EXECUTION_STRING#$$ }" -u 1 BASH_EXECUTION_STRING && break;
done
';
eval "$BASH_EXECUTION_STRING";
eval "$BASH_EXECUTION_STRING"
