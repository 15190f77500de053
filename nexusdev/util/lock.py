"""Locks between processes, shared or exclusive, by the kernel's ``flock``: freed whenever the holder ends.

    instance-shop.lock                  what is locked; empty
    instance-shop.lock.by-4711-9c0f…    one file per holder: who it is, locked by it as long as it lives

Who asks for the holders (``holders``) touches only the second kind of file. Nobody ever takes these but to ask, so that a question
cannot get in the way of somebody who takes the lock. Works alike on Linux and macOS; process ids are told, never trusted.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, json

from nexusdev.errors import InvalidState, Locked
from nexusdev.util.files import STORAGE_ERRORS, explained, keep_owner, make_folder, storage_failed
from nexusdev.util.home import ANOTHERS_HOME

if TYPE_CHECKING:
    from nexusdev.util.clock import Clock

_POLL = 0.05
# Seconds in which a holder that just took the lock, or is about to release it, may have no signature file.
_NAMELESS = 0.2


class Holder(Struct, frozen=True, kw_only=True):
    """Who has the lock. ``since`` in seconds since the epoch; ``shared``: others may hold it too."""

    pid: int
    command: str
    since: float
    shared: bool = False

    @property
    def who(self) -> str:
        """``nexusdev up (pid 4711)``."""
        return f"{self.command} (pid {self.pid})"

    def __str__(self) -> str:
        return f"{self.who}, since {time.strftime('%H:%M:%S', time.localtime(self.since))}"


class Patience(Struct, frozen=True, kw_only=True):
    """How a process waits for a lock.

    Attributes:
        seconds: How long at most; 0: not at all.
        beside: Whether to wait for this holder at all.
        longer: What to type to wait longer, for the error.
        tell: Called once, with the holder (None: it has no name yet), before the waiting begins.
        clock: Whose time it is; None: the system's.
    """

    seconds: float = 0.0
    beside: Callable[[Holder], bool] = lambda _: True
    longer: str = ""
    tell: Callable[[Holder | None], None] = lambda _: None
    clock: Clock | None = None

    def now(self) -> float:
        return self.clock.now() if self.clock else time.monotonic()

    def sleep(self, seconds: float) -> None:
        (self.clock.sleep if self.clock else time.sleep)(seconds)


class Held(Struct, kw_only=True):
    """A lock that is held. ``waited``: seconds until it was free; ``discard``: set it, and the lock file goes with the lock."""

    waited: float = 0.0
    discard: bool = False


AT_ONCE = Patience()


@contextlib.contextmanager
def hold(
    file: Path, *, subject: str, command: str, shared: bool = False, patience: Patience = AT_ONCE
) -> Iterator[Held]:
    """Hold a lock during the block.

    Args:
        file: The lock file; made where it is missing.
        subject: What is locked, in the words of the error: ``instance shop``.
        command: What the holder is called, as it is typed: ``nexusdev up``.
        shared: Others may hold it at the same time, if they share it too.
        patience: Whether and how long to wait.

    Yields:
        The lock, which knows how long it was waited for.

    Raises:
        Locked: Another process holds it, and the time limit for waiting is over.
        InvalidState: The lock file cannot be made or opened.
    """
    descriptor, waited = _take(file, subject, command, shared, patience)
    held = Held(waited=waited)
    try:
        with _signed(file, Holder(pid=os.getpid(), command=command, since=time.time(), shared=shared)):
            yield held
    finally:
        if held.discard and not shared:
            # Last, and still locked: a process that has opened this file meanwhile detects the removal and creates a new one (_is).
            file.unlink(missing_ok=True)
        os.close(descriptor)


def holders(file: Path) -> tuple[Holder, ...]:
    """Who holds the lock now, the first holder first. Takes no lock that anybody wants, and makes no file.

    A holder is listed from a moment after it got the lock until a moment before it gives it back; a killed one is not listed.
    On a file system without working ``flock`` the result is empty.
    """
    found = (_alive(each) for each in _signatures(file))
    return tuple(sorted((each for each in found if each), key=lambda each: each.since))


def is_held(file: Path) -> bool:
    """Return whether a process holds the lock now; see ``holders``."""
    return bool(holders(file))


def _take(file: Path, subject: str, command: str, shared: bool, patience: Patience) -> tuple[int, float]:
    """A descriptor that holds the lock, and the seconds that it was waited for."""
    began, told = patience.now(), False
    while (descriptor := _try(file, shared)) is None:
        found, waited = holders(file), patience.now() - began
        if not found and waited < _NAMELESS:
            patience.sleep(_POLL / 10)
            continue
        if waited >= patience.seconds or not all(patience.beside(each) for each in found):
            raise _locked(subject, command, found[0] if found else None, waited, patience)
        if not told:
            patience.tell(found[0] if found else None)
            told = True
        patience.sleep(min(_POLL, patience.seconds - waited))
    return descriptor, patience.now() - began if told else 0.0


def _try(file: Path, shared: bool) -> int | None:
    """Return a descriptor that holds the lock; None if another process has it. A lock file that was removed meanwhile is created again."""
    while True:
        descriptor = _open(file)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is(file, descriptor):
            return descriptor
        os.close(descriptor)


def _open(file: Path) -> int:
    make_folder(file.parent)
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        keep_owner(file)
        return descriptor
    except OSError as error:
        if error.errno in STORAGE_ERRORS:
            raise storage_failed(file, 0, error) from error
        raise InvalidState(
            f"failed to open the lock file {file}",
            why=error.strerror or str(error),
            hint=f"ls -l {file.parent}   it must belong to you",
        ) from error


def _is(file: Path, descriptor: int) -> bool:
    """Whether this is still the file that others open."""
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _signed(file: Path, me: Holder) -> Iterator[None]:
    """Be among ``holders`` during the block. Call it with the lock held."""
    if not me.shared:
        for left in _signatures(file):  # files of killed holders: with the exclusive lock there are no other holders
            left.unlink(missing_ok=True)
    own = file.with_name(f"{file.name}.by-{me.pid}-{os.urandom(4).hex()}")
    with explained(own):
        descriptor = os.open(own, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        keep_owner(own)
    try:
        # Written before it is locked, so that a locked file is always complete. A concurrent check locks it only briefly.
        with explained(own):
            os.write(descriptor, json.encode(me))
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        own.unlink(missing_ok=True)
        os.close(descriptor)


def _signatures(file: Path) -> list[Path]:
    try:
        return [each for each in file.parent.iterdir() if each.name.startswith(f"{file.name}.by-")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError as error:
        raise InvalidState(f"failed to read {file.parent}", why="permission denied", hint=ANOTHERS_HOME) from error


def _alive(signature: Path) -> Holder | None:
    """Who is named in this file, if that one has it locked."""
    try:
        descriptor = os.open(signature, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return json.decode(os.read(descriptor, 4096), type=Holder)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def _locked(subject: str, command: str, who: Holder | None, waited: float, patience: Patience) -> Locked:
    after = f" after {waited:.0f} s" if waited >= 1 else ""
    end = f"kill {who.pid}   stop it, then run {command}" if who else "try again in a moment"
    refused = who is not None and not patience.beside(who)
    return Locked(
        f"another command is working on {subject}",
        why=f"{who or 'it'} {'still ' if after else ''}holds the lock{after}"
        + (f"; {command} does not wait for it" if refused else ""),
        hint=f"{patience.longer}\n{end}" if patience.longer and not refused else end,
        evidence=(str(who),) if who else (),
    )
