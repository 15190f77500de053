"""The databases into which migrations ran, of which every test gets a copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from msgspec import DecodeError, Struct, ValidationError, json

from nexusdev.errors import UsageError
from nexusdev.instance.leases import Lease
from nexusdev.operations.lease_desk import LeaseDesk
from nexusdev.testing.migrations import MigrationFailed, Migrations, Variables
from nexusdev.util import lock
from nexusdev.util.files import make_folder, replace

#: Seconds: how long a template is kept, and how long a process waits for another one that runs the same migrations.
_KEPT, _PATIENCE = 7 * 86400.0, 900.0


#: Folder of the failures that the processes of a run tell each other.
_FAILURES = ".failed"


class Failure(Struct, frozen=True, kw_only=True):
    """Migrations that failed in one process of a run: the others need not try them.

    Attributes:
        run: Id of the run.
        text: The error.
    """

    run: str
    text: str


def template(
    desk: LeaseDesk,
    migrations: Migrations,
    values: Variables,
    shared: Callable[[], AbstractContextManager[object]],
    *,
    run: str = "",
) -> Lease:
    """Return the template of these migrations. They run once, whichever process needs them first.

    Args:
        desk: The leases of the instance, with the part of PostgreSQL alone.
        migrations: What runs in the template.
        values: The variables of the instance, for the migrations.
        shared: Holds the instance's lock while the template is made.
        run: Id of the test run, which its processes have in common; '' if there is only one process.

    Raises:
        NexusError: PostgreSQL refuses something.
        MigrationFailed: The migrations failed, in this process or in another one of the run.
    """
    name = f"pytest-template-{migrations.digest}"
    patience = lock.Patience(seconds=_PATIENCE)
    with lock.hold(desk.store.home / ".locks" / name, subject=name, command=desk.command, patience=patience):
        found = desk.store.find(name)
        if found and found.record.ready and not desk.is_over(found):
            return found
        _require_no_failure(desk, name, run)
        if found:
            desk.drop(found)
        else:
            desk.store.forget(name)

        def fill(lease: Lease) -> None:
            migrations.run({**values, **desk.variables(lease)})

        try:
            with shared():
                made = desk.make(name, ttl=_KEPT, fill=fill)
        except MigrationFailed as error:
            _tell_others(desk, name, Failure(run=run, text=str(error)))
            raise
        if made is None:
            raise _taken(name)
        return made


def forget_failures(desk: LeaseDesk, run: str) -> None:
    """Remove what the processes of a run told each other. One that asks later tries the migrations itself."""
    for file, failure in _failures(desk):
        if failure.run == run:
            file.unlink(missing_ok=True)


def _failures(desk: LeaseDesk) -> Iterator[tuple[Path, Failure]]:
    for file in sorted((desk.store.home / _FAILURES).glob("*.json")):
        if failure := _read(file):
            yield file, failure


def _read(file: Path) -> Failure | None:
    try:
        return json.decode(file.read_bytes(), type=Failure)
    except (FileNotFoundError, DecodeError, ValidationError):
        return None


def _file(desk: LeaseDesk, name: str) -> Path:
    return desk.store.home / _FAILURES / f"{name}.json"


def _require_no_failure(desk: LeaseDesk, name: str, run: str) -> None:
    failure = _read(_file(desk, name)) if run else None
    if failure and failure.run == run:
        raise MigrationFailed(failure.text)


def _tell_others(desk: LeaseDesk, name: str, failure: Failure) -> None:
    if failure.run:
        make_folder(_file(desk, name).parent)
        replace(_file(desk, name), json.encode(failure))


def _taken(name: str) -> UsageError:
    """Only the holder of the template's lock makes a lease of this name, so that it is not one of this version."""
    return UsageError(
        f"there is already a lease named {name}",
        why="another version of nexusdev made it, and this one cannot read its record",
        hint=f"drop it with the version that made it: nexusdev lease drop {name}",
        code="LEASE_EXISTS",
    )
