# The first process of a network namespace. Runs the commands that come, one a
# line, and answers each with a line: 0, or 1 and what the command said.
# $1: how the whole namespace is readied
if said=$(eval "$1" 2>&1); then echo 0; else echo 1 $said; fi
while IFS= read -r command; do
  # A background process must not keep these pipes open.
  if said=$(eval "$command" 2>&1); then echo 0; else echo 1 $said; fi
done
