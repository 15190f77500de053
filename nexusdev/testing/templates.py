"""The databases into which migrations ran, of which every test gets a copy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from nexusdev.errors import UsageError
from nexusdev.instance.leases import Lease
from nexusdev.operations.lease_desk import LeaseDesk
from nexusdev.testing.migrations import Migrations, Variables
from nexusdev.util import lock

#: Seconds: how long a template is kept, and how long a process waits for another one that runs the same migrations.
_KEPT, _PATIENCE = 7 * 86400.0, 900.0


def template(
    desk: LeaseDesk, migrations: Migrations, values: Variables, shared: Callable[[], AbstractContextManager[object]]
) -> Lease:
    """Return the template of these migrations. They run once, whichever process needs them first.

    Args:
        desk: The leases of the instance, with the part of PostgreSQL alone.
        migrations: What runs in the template.
        values: The variables of the instance, for the migrations.
        shared: Holds the instance's lock while the template is made.

    Raises:
        NexusError: PostgreSQL refuses something.
        MigrationFailed: The migrations failed.
    """
    name = f"pytest-template-{migrations.digest}"
    patience = lock.Patience(seconds=_PATIENCE)
    with lock.hold(desk.store.home / ".locks" / name, subject=name, command=desk.command, patience=patience):
        found = desk.store.find(name)
        if found and found.record.ready and not desk.is_over(found):
            return found
        if found:
            desk.drop(found)
        else:
            desk.store.forget(name)

        def fill(lease: Lease) -> None:
            migrations.run({**values, **desk.variables(lease)})

        with shared():
            made = desk.make(name, ttl=_KEPT, fill=fill)
        if made is None:
            raise _taken(name)
        return made


def _taken(name: str) -> UsageError:
    """Only the holder of the template's lock makes a lease of this name, so that it is not one of this version."""
    return UsageError(
        f"there is already a lease named {name}",
        why="another version of nexusdev made it, and this one cannot read its record",
        hint=f"drop it with the version that made it: nexusdev lease drop {name}",
        code="LEASE_EXISTS",
    )
