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


def lock_that_is_taken(process: subprocess.Popen[bytes], folder: Path) -> bool:
    """Wait until the command has written itself into a lock below a folder; False when it ended before."""
    while process.poll() is None:
        if any(f'"pid": {process.pid},' in file.read_text() for file in folder.rglob("*.lock")):
            return True
        time.sleep(0.005)
    return False


def end(process: subprocess.Popen[bytes], with_signal: signal.Signals) -> str:
    """Send the signal to a command that may have ended already; what it said afterwards. It must end as signals end programs."""
    process.send_signal(with_signal)
    _, err = process.communicate(timeout=90)
    output = err.decode()
    allowed = (0, -9) if with_signal is signal.SIGKILL else (0, 128 + with_signal)
    assert process.returncode in allowed, output
    assert "Traceback" not in output
    return output
