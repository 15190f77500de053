"""Shell scripts that copy mounted volumes while their services run, and catch up while they are held. For GNU tools, as in the stack's images.

The bulk of the data is copied while servers write. Then, while nothing writes, the copy catches up: names that are gone are removed, and
what is new or was changed since the first copy began is copied again. A change shows in the time of change of an inode (ctime), which
nobody can set back; renamed files have a new one as well. The two seconds before the beginning count too, because a clock of a file
system has ticks.
"""

from __future__ import annotations

#: Where a container has its volumes, each in a folder with its short name, and the room for their copy.
VOLUMES, COPY = "/nexusdev/volumes", "/nexusdev/copy"
#: Exit code of ``PREPARE`` if there is no room.
NO_ROOM = 28

#: Copies what there is. Prints the bytes that are needed and those that are free. Files may go while they are copied.
PREPARE = f"""
set -eu
export LC_ALL=C
cd {COPY}
rm -rf data probe probe2 began && mkdir data
echo x >probe
need=$(du -sB1 {VOLUMES} 2>/dev/null | cut -f1)
free=$(df -B1 --output=avail . | tail -n1 | tr -d ' ')
echo "$need $free"
if ! cp --reflink=always probe probe2 2>/dev/null && [ "$need" -gt "$free" ]; then exit {NO_ROOM}; fi
date +%s >began
cp -a --reflink=auto {VOLUMES}/. data/ 2>/dev/null || true
"""

#: Makes the copy equal to the volumes, if nothing writes to them meanwhile. Prints the bytes of the copy. It runs twice: while servers write, so that
#: little is left for the second time, when they are held.
CATCH_UP = f"""
set -eu
export LC_ALL=C
cd {VOLUMES}
now=$(date +%s)
began=$(($(cat {COPY}/began) - 2))
find . -mindepth 1 -print0 | sort -z >{COPY}/live
(cd {COPY}/data && find . -mindepth 1 -print0 | sort -z) >{COPY}/held
comm -z -13 {COPY}/live {COPY}/held >{COPY}/gone
(cd {COPY}/data && xargs -0 -r rm -rf -- <{COPY}/gone)
{{ comm -z -23 {COPY}/live {COPY}/held; find . -mindepth 1 -newerct "@$began" -print0; }} | sort -zu >{COPY}/changed
tar --create --sparse --null --no-recursion --files-from={COPY}/changed --file=- \
    | tar --extract --preserve-permissions --numeric-owner --directory={COPY}/data --file=-
echo "$now" >{COPY}/began
du -sB1 {COPY}/data | cut -f1
"""

#: Ends by itself after a while, so that a killed command leaves nothing running for long.
IDLE = "trap 'exit 0' TERM; sleep 1800 & wait"
