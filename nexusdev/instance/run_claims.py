"""Instances that test runs brought up for themselves: which runs use them. The last one to end takes the instance down.

pytest/<instance>.json      the claim; written before the instance is started, removed after it is gone
pytest/<instance>.lock      held while the instance is started or taken down for test runs
pytest/run-<id>             locked by a run as long as it lives
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from msgspec import DecodeError, Struct, ValidationError, json

from nexusdev.util import lock
from nexusdev.util.files import make_folder, replace

#: Set in the processes of a test run that may bring up an instance: the id of the run.
RUN_VARIABLE = "NEXUSDEV_PYTEST_RUN"
_FOLDER = "pytest"
#: Seconds to wait for another run that starts the instance or takes it down.
_PATIENCE = 1800.0


class RunClaim(Struct, frozen=True, kw_only=True):
    """The runs that use an instance.

    Attributes:
        runs: Their ids.
        created: Whether the instance did not exist before: then its data goes as well.
    """

    runs: tuple[str, ...] = ()
    created: bool = False


class Claims(Struct, frozen=True, kw_only=True):
    """The claims below one state folder. ``root`` is the folder of all instances."""

    root: Path

    def read(self, instance: str) -> RunClaim | None:
        """Return the claim of an instance; None if no test run brought it up."""
        try:
            return json.decode(self._file(instance).read_bytes(), type=RunClaim)
        except FileNotFoundError:
            return None
        except (DecodeError, ValidationError):
            return RunClaim()

    def write(self, instance: str, claim: RunClaim | None) -> None:
        """Replace the claim of an instance; None removes it."""
        if claim is None:
            self._file(instance).unlink(missing_ok=True)
            return
        make_folder(self._home)
        replace(self._file(instance), json.encode(claim))

    def give_up(self, instance: str) -> None:
        """Let no test run take the instance down any more, because its user starts it. Does nothing within a test run."""
        if not os.environ.get(RUN_VARIABLE):
            self.write(instance, None)

    def abandoned(self) -> list[str]:
        """Return the instances whose runs have all ended without taking them down."""
        names = [each.stem for each in sorted(self._home.glob("*.json"))]
        claims = [(name, self.read(name)) for name in names]
        return [name for name, claim in claims if claim and not self.alive(claim)]

    def alive(self, claim: RunClaim) -> tuple[str, ...]:
        """Return the runs of a claim that have not ended."""
        return tuple(each for each in claim.runs if lock.is_held(self._home / f"run-{each}"))

    @contextlib.contextmanager
    def living(self, run: str, command: str) -> Iterator[None]:
        """Be one of the runs that live, during the block."""
        with lock.hold(self._home / f"run-{run}", subject=f"run {run}", command=command) as held:
            held.discard = True
            yield

    def changing(self, instance: str, command: str, *, seconds: float = _PATIENCE) -> AbstractContextManager[object]:
        """Be the only one who starts the instance or takes it down for test runs, during the block.

        Args:
            instance: Its name.
            command: This command, as it is typed.
            seconds: How long to wait for another process that does so.

        Raises:
            Locked: Another one did so all the time.
        """
        return lock.hold(
            self._home / f"{instance}.lock",
            subject=f"instance {instance}",
            command=command,
            patience=lock.Patience(seconds=seconds),
        )

    @property
    def _home(self) -> Path:
        return self.root / _FOLDER

    def _file(self, instance: str) -> Path:
        return self._home / f"{instance}.json"
