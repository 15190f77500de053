"""A throw-away stack: its own servers with their data in memory, for one process and its children, removed when that process is gone.

It is an instance like every other, of the same compose files, made by the runtime of Docker. What differs: its state is below
``<state>/ephemeral/<run>`` instead of the project's, it has no volumes, and a process of its own (``reaper``) removes it by its labels as soon as
the process that it belongs to has ended, however it ended.

ephemeral/<pid>-<token>/stack.json   whose it is, and of which project
                        start.lock   held by the process that starts it
                        users.lock   shared by the processes that start it, until they end
                        reaper.lock  held by the reaper as long as it lives
                        state/       the state folder of its only instance
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from secrets import token_hex

from msgspec import DecodeError, Struct, ValidationError, field, json

from nexusdev.context import Context
from nexusdev.errors import NexusError, NotFound, UsageError
from nexusdev.instance.identity import Identity, find_project
from nexusdev.instance.paths import state_root
from nexusdev.runtimes import registry
from nexusdev.settings import load
from nexusdev.util.files import make_folder, replace

#: Tier → the profile of its stack.
TIERS = {"lite": "lite", "ha": "core"}
_FOLDER = "ephemeral"
_FILE = "stack.json"
#: Seconds during which a removal is tried again: containers that are just being created appear late.
_PATIENCE = 60.0


class EphemeralStack(Struct, frozen=True, kw_only=True):
    """The stack of one process.

    Attributes:
        run: ``<pid>-<token>``: the process that it belongs to.
        project: The project folder, whose settings and seed files it uses.
        tier: One of ``TIERS``.
        root: The folder of the stacks of this user.
        labels: Labels of its containers and its network besides nexusdev's own.
    """

    run: str
    project: Path
    tier: str = "lite"
    root: Path
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The folder with everything that it keeps on this machine."""
        return self.root / self.run

    @property
    def pid(self) -> int:
        """The process that it belongs to."""
        return int(self.run.partition("-")[0])

    @property
    def exists(self) -> bool:
        """Whether it was started and not removed yet."""
        return (self.home / _FILE).exists()

    def context(self) -> Context:
        """Return a context for one operation on it."""
        found = find_project(self.project)
        flags = {"profile": TIERS[self.tier], "runtime": "docker", "env_file": self.home / "env"}
        settings = load(found, flags=flags)._replace(include=())
        identity = Identity(name=f"ephemeral-{self.run.partition('-')[2]}", project=self.home, explicit=True)
        provider = registry.provider(settings.runtime).labelled(self.labels)
        return Context(
            identity=identity, settings=settings, root=self.home / "state", in_memory=True, given_provider=provider
        )

    def start(self, tell: Callable[[str], None] = lambda _: None) -> None:
        """Bring it up if it does not run. Several processes may call this at once; the first one does it.

        Args:
            tell: Called with a sentence before the servers are started.

        Raises:
            NexusError: It does not become ready. What was started is removed with the process.
        """
        from nexusdev.api_queries import succeeded
        from nexusdev.operations.up import up

        if self.tier not in TIERS:
            raise UsageError(f"unknown tier {self.tier}", why=f"the tiers are {' and '.join(TIERS)}")
        make_folder(self.home)
        self._share()
        with locked(self.home / "start.lock"):
            if not self.exists:
                replace(self.home / _FILE, json.encode({"project": str(self.project), "tier": self.tier}))
                _start_reaper(self.home)
                sweep(self.root)
            if not (self.home / "ready").exists():
                tell(f"starting a throw-away stack ({self.tier}); it is removed at the end")
                succeeded(up(self.context()))
                (self.home / "ready").touch()

    def remove(self) -> None:
        """Remove its containers, its network and its files. Idempotent; with a start in another process it waits for it.

        Raises:
            NexusError: Something is left; its reaper tries again.
        """
        if self.home.is_dir():
            with locked(self.home / "start.lock"):
                take_down(self)
                shutil.rmtree(self.home, ignore_errors=True)

    def _share(self) -> None:
        """Be known as a process that may create containers. The lock is freed when this process ends: the file is never closed."""
        fcntl.flock(os.open(self.home / "users.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), fcntl.LOCK_SH)


def new_run() -> str:
    """Return a new name for a stack that belongs to this process."""
    return f"{os.getpid()}-{token_hex(4)}"


def ephemeral_root() -> Path:
    """Return the folder of the stacks of this user."""
    return state_root() / _FOLDER


def read(home: Path) -> EphemeralStack:
    """Return the stack of a folder.

    Raises:
        NotFound: The folder has none.
    """
    try:
        document = json.decode((home / _FILE).read_bytes(), type=dict[str, str])
        return EphemeralStack(run=home.name, project=Path(document["project"]), tier=document["tier"], root=home.parent)
    except (OSError, DecodeError, ValidationError, KeyError) as error:
        raise NotFound(f"{home} has no throw-away stack", why=str(error)) from error


def take_down(stack: EphemeralStack) -> None:
    """Remove its containers and its network, by their labels."""
    from nexusdev.deploy import teardown

    teardown.take_down(stack.context(), volumes=True)


def reap(home: Path) -> None:
    """Remove a stack whose process has ended, until no process is left that may still create containers of it."""
    stack, end = read(home), time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(NexusError, OSError):
            unused = is_free(home / "users.lock")
            take_down(stack)
            if unused:
                shutil.rmtree(home, ignore_errors=True)
                return
        time.sleep(0.3)


def sweep(root: Path) -> None:
    """Remove the stacks whose process and reaper have both ended, such as those from before a restart of the machine."""
    for home in sorted(root.iterdir()) if root.is_dir() else ():
        if (home / _FILE).exists() and is_free(home / "reaper.lock") and not _lives(home.name):
            with contextlib.suppress(NexusError, OSError):
                take_down(read(home))
                shutil.rmtree(home, ignore_errors=True)


def _lives(run: str) -> bool:
    """Whether the process of a run lives, or another one that has its number now."""
    try:
        os.kill(int(run.partition("-")[0]), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock during the block. It is freed when the process ends."""
    with file.open("w") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def is_free(file: Path) -> bool:
    """Return whether no process holds a lock."""
    try:
        with file.open("w") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True


def _start_reaper(home: Path) -> None:
    """Start the process that removes the stack, detached from this one, and wait until it watches."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nexusdev.testing.reaper", str(home)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=home,
        start_new_session=True,
    )
    watching = process.stdout.readline() if process.stdout else b""
    if not watching:
        raise NotFound("the process that removes throw-away stacks ended at once", hint="nexusdev doctor")
