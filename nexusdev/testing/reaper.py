"""The process that removes a throw-away stack when the process that it belongs to has ended: ``python -m nexusdev.testing.reaper FOLDER``.

It starts before the first container of the stack and says so on its stdout. Until it has something to do it only waits, and imports nothing of
nexusdev.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import sys
import time
from pathlib import Path

_POLL = 0.5


def main(folder: str) -> None:
    """Wait for the end of the process in the folder's name, then remove the stack."""
    home = Path(folder)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with (home / "reaper.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wait_for_end(int(home.name.partition("-")[0]), home)
        if home.is_dir():
            from nexusdev.testing.ephemeral import reap

            reap(home)


def wait_for_end(pid: int, home: Path) -> None:
    """Return when a process has ended, or has removed its stack itself. A process that already ended is not waited for."""
    try:
        file = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except ProcessLookupError:
        file = None
    print("watching", flush=True)
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    waiter = select.poll()
    if file is not None:
        waiter.register(file, select.POLLIN)
    while home.is_dir() and _lives(pid):
        if file is None:
            time.sleep(_POLL)
        elif waiter.poll(1000 * _POLL):
            return


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main(sys.argv[1])
