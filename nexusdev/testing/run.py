"""One pytest process on a running instance: its leases, its databases, and what each test cost.

Redis, MinIO and Vault have one slice per process, which is emptied after each test. Every test that wants one gets a database of its own.
All of it is held: it is over when the process ends, however it ends, and the next process or command drops what is left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from nexusdev.components.leases import LeasePart
from nexusdev.context import Context, open_context
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.env import stored
from nexusdev.errors import NotFound
from nexusdev.instance.leases import Lease
from nexusdev.operations.lease_desk import LeaseDesk, open_desk, slice_of
from nexusdev.testing.databases import Ahead
from nexusdev.testing.migrations import Migrations, Variables
from nexusdev.testing.templates import template

if TYPE_CHECKING:
    import psycopg

_COMMAND = "pytest"


class TestRun:
    """The resources of one pytest process. ``close`` drops them."""

    __test__ = False  # pytest collects classes with such a name otherwise

    def __init__(self, root: Path, *, instance: str = "", identity: str = "") -> None:
        """Attach to a running instance, and drop what killed processes left behind.

        Args:
            root: pytest's root folder.
            instance: Name of the instance; '' for the one of the project.
            identity: Distinguishes this process from those of the same run and of other runs.

        Raises:
            NexusError: There is no instance that can be used.
        """
        self.context: Context = open_context(root, flags={"instance": instance or None})
        self.instance = self.context.instance()
        self.desk: LeaseDesk = open_desk(self.context, self.instance, _COMMAND)
        self.values: Variables = stored.read(self.instance.folder).views["host"]
        self.root = root
        self._prefix, self._numbers = f"pytest-{digest(f'{root} {identity}')}", count(1)
        self._held = ExitStack()
        self._slices: dict[str, Lease] = {}
        self._databases: dict[str, Ahead[Lease]] = {}
        self._templates: dict[str, Lease | Exception] = {}
        self._urls: dict[str, str] = {}
        self._connections: dict[str, psycopg.Connection[Any]] = {}
        if not self.desk.connect().observe().running_components:
            raise NotFound(f"instance {self.instance.name} does not run", hint="nexusdev up")
        with self._lock():
            self.desk.sweep()

    @contextmanager
    def slice(self, component: str) -> Iterator[Variables]:
        """Lend this process's slice of a component, and empty it afterwards.

        Raises:
            NexusError: The instance has no such component, or a server refuses something.
        """
        if component not in self._slices:
            self._slices[component] = self._held.enter_context(self._lease(component))
        lease = self._slices[component]
        yield self.variables(lease)
        self._part(component).empty(self.desk.connect(), slice_of(lease))

    @contextmanager
    def database(self, migrations: Migrations | None = None) -> Iterator[Variables]:
        """Lend a fresh database, with the tables of these migrations. It is dropped afterwards, in the background.

        Raises:
            NexusError: PostgreSQL refuses something.
            MigrationFailed: The migrations failed, for this test or one before.
        """
        key = migrations.digest if migrations else ""
        if key not in self._databases:
            template = self._template(migrations) if migrations else None
            self._databases[key] = Ahead(lambda: self._lease("postgres", template))
        ahead = self._databases[key]
        lease, context = ahead.take()
        try:
            yield self.variables(lease)
        finally:
            ahead.give_back(context)

    @contextmanager
    def transaction(self, migrations: Migrations | None = None) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection to a database that all tests of this process use, and roll back afterwards.

        Raises:
            NexusError: PostgreSQL refuses something.
            MigrationFailed: The migrations failed, for this test or one before.
        """
        key = migrations.digest if migrations else ""
        if key not in self._connections or self._connections[key].closed:
            if key not in self._urls:
                variables = self._held.enter_context(self.database(migrations))
                self._urls[key] = variables["DATABASE_URL"]
            self._connections[key] = self._connect(self._urls[key])
        connection = self._connections[key]
        yield connection
        if not connection.closed:
            connection.rollback()

    def fresh_context(self) -> Context:
        """Return a context for one operation, which reads again what may have changed."""
        return replace(self.context)

    @property
    def ca_file(self) -> str:
        """The certificate authority that signed the servers' certificates."""
        return self.values["NEXUSDEV_CA_FILE"]

    def variables(self, lease: Lease) -> Variables:
        """Return the variables of a lease's components."""
        return self.desk.variables(lease)

    def close(self) -> None:
        """Drop everything. Templates stay for the next run.

        Raises:
            NexusError: A server refuses something; the next run drops the rest.
        """
        for connection in self._connections.values():
            connection.close()
        with ExitStack() as all_of_them:
            for each in self._databases.values():
                all_of_them.callback(each.close)
            all_of_them.callback(self._held.close)

    @contextmanager
    def _lease(self, component: str, template: Lease | None = None) -> Iterator[Lease]:
        desk = replace(self.desk, parts={component: self._part(component)})
        held = desk.held(f"{self._prefix}-{next(self._numbers)}", template=template)
        with self._lock():
            lease = held.__enter__()
        try:
            yield lease
        finally:
            with self._lock():
                held.__exit__(None, None, None)

    def _connect(self, url: str) -> psycopg.Connection[Any]:
        import psycopg

        return psycopg.connect(url, sslrootcert=self.ca_file)

    def _part(self, component: str) -> LeasePart:
        if component not in self.desk.parts:
            raise NotFound(
                f"instance {self.instance.name} has no {component}", hint="nexusdev up   start the whole stack"
            )
        return self.desk.parts[component]

    def _template(self, migrations: Migrations) -> Lease:
        """Return the template of these migrations. They run once, whichever process needs them first."""
        if migrations.digest not in self._templates:
            try:
                desk = replace(self.desk, parts={"postgres": self._part("postgres")})
                self._templates[migrations.digest] = template(desk, migrations, self.values, self._lock)
            except Exception as error:
                self._templates[migrations.digest] = error
        found = self._templates[migrations.digest]
        if isinstance(found, Exception):
            raise found
        return found

    def _lock(self) -> AbstractContextManager[object]:
        """No command changes the instance meanwhile, but others may use leases."""
        return hold_lock(self.context, _COMMAND, shared=True)


def digest(text: str) -> str:
    """Return a short hash."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]
