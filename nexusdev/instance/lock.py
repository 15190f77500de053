"""One process at a time works on an instance: a lock of the kernel's, gone with its holder however that one ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from nexusdev.errors import Locked
from nexusdev.instance.state import make_folder

_POLL = 0.1


class Holder(Struct, frozen=True, kw_only=True):
    """Who has the lock. ``since`` in seconds since the epoch."""

    pid: int
    command: str
    since: float

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid}), since {time.strftime('%H:%M:%S', time.localtime(self.since))}"


@contextlib.contextmanager
def hold(file: Path, *, instance: str, command: str, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock of an instance during the block; wait up to ``wait`` seconds for it. Raises Locked, naming the holder."""
    make_folder(file.parent)
    deadline = time.monotonic() + wait
    while (descriptor := _try(file)) is None:
        if time.monotonic() >= deadline:
            raise _locked(instance, holder(file))
        time.sleep(_POLL)
    try:
        _sign(descriptor, Holder(pid=os.getpid(), command=command, since=time.time()))
        yield
    finally:
        os.ftruncate(descriptor, 0)
        os.close(descriptor)


def holder(file: Path) -> Holder | None:
    """Who has written itself into the lock file; None when nobody has, or it is just being taken."""
    try:
        return Holder(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def is_held(file: Path) -> bool:
    """Whether somebody holds the lock now. Makes no file."""
    if not file.exists() or (descriptor := _try(file)) is None:
        return file.exists()
    os.close(descriptor)
    return False


def _try(file: Path) -> int | None:
    """A descriptor that holds the lock, or None. A file that was removed meanwhile is no lock: it is made anew."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == file.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _sign(descriptor: int, me: Holder) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(asdict(me)).encode(), 0)


def _locked(instance: str, who: Holder | None) -> Locked:
    return Locked(
        f"another process works on instance {instance}",
        why=f"{who or 'it'} holds the lock",
        hint=f"kill {who.pid}   end it; or wait until it ends" if who else "try again in a moment",
        evidence=(str(who),) if who else (),
    )
