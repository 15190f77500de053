"""The script that kills the main process of a container from inside, behind its init process."""

#: Run by ``/bin/sh -c`` in the container. The main process is the oldest child of the init process: the child with the lowest ID, which is
#: never an orphan. The shell that runs this has no parent in the container.
KILL_SCRIPT = """
main=
for file in /proc/[0-9]*/status; do
  pid= parent=
  while read -r key value; do
    case $key in Pid:) pid=$value;; PPid:) parent=$value;; esac
  done <"$file" 2>/dev/null
  if [ "$parent" = 1 ] && { [ -z "$main" ] || [ "$pid" -lt "$main" ]; }; then main=$pid; fi
done
if [ -z "$main" ]; then echo "it is process 1 of its container, which ignores signals from inside" >&2; exit 1; fi
kill -9 "$main"
"""
