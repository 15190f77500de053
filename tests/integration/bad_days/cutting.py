"""Ends a command at the moment when it says something, not after some time: the same on a quick machine and on a slow one."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path


def line_that_begins(process: subprocess.Popen[bytes], words: str) -> bool:
    """Wait for a line on stderr that begins so; False when the command ended without saying it."""
    assert process.stderr is not None
    return any(line.decode().startswith(words) for line in iter(process.stderr.readline, b""))


def file_that_appears(process: subprocess.Popen[bytes], folder: Path, name: str) -> bool:
    """Wait for a file of this name below a folder; False when the command ended before."""
    while process.poll() is None:
        if any(folder.rglob(name)):
            return True
        time.sleep(0.005)
    return False


def end(process: subprocess.Popen[bytes], with_signal: signal.Signals) -> str:
    """Send the signal to a command that may have ended already; what it said afterwards. It must end as signals end programs."""
    process.send_signal(with_signal)
    _, err = process.communicate(timeout=90)
    said = err.decode()
    allowed = (0, -9) if with_signal is signal.SIGKILL else (0, 128 + with_signal)
    assert process.returncode in allowed, said
    assert "Traceback" not in said
    return said
