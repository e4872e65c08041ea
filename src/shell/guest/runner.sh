# What the process of a command runs first. When execve refuses a file with this
# text, since it has no interpreter line on purpose (ENOEXEC), the forked bash
# starts over in place as a fresh shell, with its own $$ and none of our
# variables, for a twentieth of what a new program costs. It is started before
# there is a command and waits for one.
# fd 0: nothing. fd 2: the serial port. fd 1: where the command comes from, and
# its output goes: whom it is for, eight digits of length, and a program that
# leads the streams elsewhere where that is asked for, and has the command in a
# variable; all ASCII. What was for a runner that died is
# passed over: only where a length follows on this one's number is it a length.
# Who runs a command on the console can't know that number. A shell need not
# parse the text of what is rare, and the one variable is one that each command
# has anyway.
# Its lines are made one, since that is what messages say of an author's first.
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
