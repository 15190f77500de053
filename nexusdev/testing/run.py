"""One pytest process on a running instance: its leases, its databases, and what each test cost.

Redis, MinIO and Vault have a few slices per process, which are emptied after each test. Every test that wants one gets a database of its own.
All of it is held: it is over when the process ends, however it ends, and the next process or command drops what is left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.components.leases import LeasePart
from nexusdev.context import Context, open_context
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.env import stored
from nexusdev.errors import NotFound
from nexusdev.instance.leases import Lease
from nexusdev.operations.lease_desk import LeaseDesk, open_desk, slice_of
from nexusdev.testing import turns
from nexusdev.testing.migrations import Migrations, Variables
from nexusdev.testing.pool import Pool
from nexusdev.testing.silent_servers import SilentServers
from nexusdev.testing.templates import forget_failures, template
from nexusdev.util.parallel import together
from nexusdev.util.sessions import Sessions

if TYPE_CHECKING:
    import psycopg

_COMMAND = "pytest"
#: How many slices of a component, and how many databases, a process has ready at most.
_SLICES, _DATABASES = 3, 6


class Slot(Struct, frozen=True, kw_only=True):
    """A lease of one component, and its variables."""

    lease: Lease
    variables: Variables


class TestRun:
    """The resources of one pytest process. ``close`` drops them."""

    __test__ = False  # pytest collects classes with such a name otherwise

    def __init__(
        self,
        root: Path,
        *,
        instance: str = "",
        identity: str = "",
        run: str = "",
        databases: int = 0,
        context: Context | None = None,
    ) -> None:
        """Attach to a running instance, and drop what killed processes left behind.

        Args:
            root: pytest's root folder.
            instance: Name of the instance; '' for the one of the project.
            identity: Distinguishes this process from those of the same run and of other runs.
            run: Id that the processes of a run have in common; '' if there is only one process.
            databases: About how many this process will ask for; 0 if that is unknown.
            context: The context of the instance; None to open it from the root folder and the name.

        Raises:
            NexusError: There is no instance that can be used.
        """
        self.context: Context = context or open_context(root, flags={"instance": instance or None})
        self.instance = self.context.instance()
        self._sessions = Sessions(keep=True)
        self.desk: LeaseDesk = open_desk(self.context, self.instance, _COMMAND, sessions=self._sessions)
        self.values: Variables = stored.read(self.instance.folder).views["host"]
        self.root = root
        self._run, self._expected = run, databases
        self._locks = self.desk.store.home / ".locks"
        self._alone, self._broken = False, turns.last_alone(self._locks)
        self._prefix, self._numbers = f"pytest-{digest(f'{root} {identity}')}", count(1)
        self._held = ExitStack()
        self._silent_servers = SilentServers()
        self._slices: dict[str, Pool[Slot]] = {}
        self._databases: dict[str, Pool[Slot]] = {}
        self._templates: dict[str, Lease | Exception] = {}
        self._urls: dict[str, str] = {}
        self._connections: dict[str, psycopg.Connection[Any]] = {}
        if not self.desk.connect().observe().running_components:
            raise NotFound(f"instance {self.instance.name} does not run", hint="nexusdev up")
        with self._lock():
            self.desk.sweep()

    @contextmanager
    def slice(self, component: str) -> Iterator[Variables]:
        """Lend a slice of a component, and empty it afterwards, in the background.

        Raises:
            NexusError: The instance has no such component, or a server refuses something.
        """
        with self._lent(component, self._slices_of(component)) as variables:
            yield variables

    @contextmanager
    def database(self, migrations: Migrations | None = None) -> Iterator[Variables]:
        """Lend a fresh database, with the tables of these migrations. It is dropped afterwards, in the background.

        Raises:
            NexusError: PostgreSQL refuses something.
            MigrationFailed: The migrations failed, for this test or one before.
        """
        with self._silent_servers.asking("postgres"):
            pool = self._databases_of(migrations)
        with self._lent("postgres", pool) as variables:
            yield variables

    @contextmanager
    def transaction(self, migrations: Migrations | None = None) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection to a database that all tests of this process use, and roll back afterwards.

        Raises:
            NexusError: PostgreSQL refuses something.
            MigrationFailed: The migrations failed, for this test or one before.
        """
        key = migrations.digest if migrations else ""
        broken = turns.last_alone(self._locks)
        if broken != self._broken:  # servers were broken since the last test, perhaps those of kept connections
            self._broken = broken
            self._connections = {name: each for name, each in self._connections.items() if _works(each)}
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

    @contextmanager
    def turn(self, *, alone: bool, tell: Callable[[str], None]) -> Iterator[None]:
        """Take a turn for one test; with ``alone`` no other test uses the instance meanwhile. The arguments are those of ``turns.turn``."""
        with turns.turn(self._locks, alone=alone, tell=tell):
            self._alone = alone
            try:
                yield
            finally:
                self._alone = False
                if alone:
                    self._silent_servers.forget()

    def prepare(self, components: Iterable[str]) -> None:
        """Begin to make the slices that tests will ask for, all at once. What fails here is reported to the test that asks for it."""
        for component in components:
            if component in self.desk.parts and component != "postgres":
                self._slices_of(component).prepare()

    @property
    def ca_file(self) -> str:
        """The certificate authority that signed the servers' certificates."""
        return self.values["NEXUSDEV_CA_FILE"]

    def close(self) -> None:
        """Drop everything. Templates stay for the next run.

        Raises:
            NexusError: A server refuses something; the next run drops the rest.
        """
        for connection in self._connections.values():
            connection.close()
        with ExitStack() as all_of_them:
            all_of_them.callback(self._sessions.close)
            pools = (*self._databases.values(), *self._slices.values())
            all_of_them.callback(together, {f"pool {number}": pool.close for number, pool in enumerate(pools)})
            all_of_them.callback(self._held.close)
            if self._run:
                all_of_them.callback(forget_failures, self.desk, self._run)

    @contextmanager
    def _lent(self, component: str, pool: Pool[Slot]) -> Iterator[Variables]:
        with self._silent_servers.asking(component):
            thing = pool.take()
        try:
            yield thing.value.variables
        finally:
            pool.give_back(thing)

    def _slices_of(self, component: str) -> Pool[Slot]:
        """Return the slices of a component. Two take turns, or more if tests have to wait: one is emptied while another one is used."""
        if component not in self._slices:
            part = self._part(component)

            def empty(slot: Slot) -> None:
                part.empty(self.desk.connect(), slice_of(slot.lease))

            self._slices[component] = Pool(lambda: self._lease(component), clean=empty, most=_SLICES)
        return self._slices[component]

    def _databases_of(self, migrations: Migrations | None) -> Pool[Slot]:
        key = migrations.digest if migrations else ""
        if key not in self._databases:
            template = self._template(migrations) if migrations else None
            self._databases[key] = Pool(
                lambda: self._lease("postgres", template), most=_DATABASES, expected=self._expected
            )
        return self._databases[key]

    @contextmanager
    def _lease(self, component: str, template: Lease | None = None) -> Iterator[Slot]:
        desk = replace(self.desk, parts={component: self._part(component)})
        held = desk.held(f"{self._prefix}-{next(self._numbers)}", template=template)
        with self._lock():
            lease = held.__enter__()
        try:
            yield Slot(lease=lease, variables=desk.variables(lease))
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
                self._templates[migrations.digest] = template(desk, migrations, self.values, self._lock, run=self._run)
            except Exception as error:
                self._templates[migrations.digest] = error
        found = self._templates[migrations.digest]
        if isinstance(found, Exception):
            raise found
        return found

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """No command changes the instance meanwhile, and no test of another process breaks servers; but others may use leases."""
        with turns.beside(self._locks, is_alone=lambda: self._alone), hold_lock(self.context, _COMMAND, shared=True):
            yield


def _works(connection: psycopg.Connection[Any]) -> bool:
    """Whether a kept connection still leads to the primary."""
    import psycopg

    try:
        found = connection.execute("SELECT pg_is_in_recovery()").fetchone()
        connection.rollback()
    except psycopg.Error:
        connection.close()
        return False
    return found == (False,)


def digest(text: str) -> str:
    """Return a short hash."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]
