"""Makes, drops and restores leases: all parts of a lease at once, one per component. The verbs are in ``operations.lease``."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.components.leases import HasLeasePart, LeasePart, Slice
from nexusdev.context import Context
from nexusdev.env import stored
from nexusdev.errors import Locked, NexusError, NotFound
from nexusdev.instance.instance import Instance
from nexusdev.instance.leases import Lease, LeaseRecord, LeaseStore, new_id
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.files import replace as write
from nexusdev.util.lock import Holder
from nexusdev.util.parallel import together
from nexusdev.util.passwords import random_password
from nexusdev.util.sessions import Sessions

#: Credentials that expire by themselves outlive the lease by this many seconds.
_MARGIN = 60.0
_SEED_LENGTH = 40
#: Seconds to wait for another process that makes or drops the same lease.
_PATIENCE = 30.0
#: Seconds for which a lease that a process holds can live.
_LONGEST_RUN = 7 * 86400.0


def _nothing(lease: Lease) -> None:
    """A new lease is empty."""


class LeaseDesk(Struct, frozen=True, kw_only=True):
    """The leases of one instance, and the parts of its components.

    Attributes:
        store: The records.
        parts: Component → its part.
        connect: Returns how the servers are reached; asked when a server is needed, and once.
        command: This command, as it is typed.
        now: The time, in seconds since the epoch.
    """

    store: LeaseStore
    parts: Mapping[str, LeasePart]
    connect: Callable[[], InstanceAccess]
    command: str
    now: Callable[[], float] = time.time

    def make(
        self, name: str, *, ttl: float, template: Lease | None = None, fill: Callable[[Lease], None] = _nothing
    ) -> Lease | None:
        """Make a lease.

        Args:
            name: Its name; '' to make it in advance.
            ttl: Its lifetime in seconds.
            template: The lease whose content is copied.
            fill: Called with the lease before others can use it.

        Returns:
            The lease; None if the name is taken.

        Raises:
            SeedingFailed: A server does not answer or rejects a change. What was made is dropped, or expires at once if that fails too.
        """
        record = self._new(ttl, template)
        with self.store.working_on(record.id, self.command) as held:
            held.discard = True
            lease = self.store.add(record, name)
            if lease is None:
                return None
            try:
                lease = self._made(lease, slice_of(lease, ttl=ttl + _MARGIN), template)
                fill(lease)
                return self.store.update(lease, replace(lease.record, ready=True, expires=self.now() + ttl))
            except Exception:
                lease = self.store.current(lease.record.id) or lease  # with the facts of the parts that were made
                with contextlib.suppress(NexusError):
                    lease = self.store.update(lease, replace(lease.record, expires=lease.record.created))
                with contextlib.suppress(NexusError):
                    self._drop(lease)
                raise

    @contextlib.contextmanager
    def held(self, name: str, *, template: Lease | None = None) -> Iterator[Lease]:
        """Make a lease for a block of this process. It is over when the process ends, however it ends.

        Args:
            name: Its name, which nobody else uses.
            template: The lease whose content is copied.

        Raises:
            SeedingFailed: A server does not answer or rejects a change.
        """
        record = replace(self._new(_LONGEST_RUN, template), held=True)
        with self.store.working_on(record.id, self.command) as held:
            held.discard = True
            lease = self.store.add(record, name)
            if lease is None:
                raise ValueError(f"there is already a lease named {name}")
            try:
                lease = self._made(lease, slice_of(lease, ttl=_LONGEST_RUN), template)
            except BaseException:
                with contextlib.suppress(
                    NexusError
                ):  # the reason is what failed first; it is over when this process ends
                    self._drop(self.store.current(lease.record.id) or lease)
                raise
            try:
                yield lease
            finally:
                self._drop(self.store.current(lease.record.id) or lease)

    def drop(self, lease: Lease, *, if_over: bool = False) -> bool:
        """Drop a lease. Waits for another process that is making or dropping it, but not for one that holds it.

        Args:
            lease: The lease, as it was when its record was read. What happens is decided by its record now.
            if_over: Keep it if it can be used: another process may have completed it since then.

        Returns:
            Whether it is gone.

        Raises:
            SeedingFailed: A server does not answer or rejects a change. The record stays, and has expired.
            Locked: A process holds it, or another one worked on it for too long.
        """
        if user := self.user(lease):
            raise _in_use(lease, user)
        with self.store.working_on(lease.record.id, self.command, seconds=_PATIENCE) as held:
            held.discard = True
            found = self.store.current(lease.record.id)
            if found is None:
                return True
            if if_over and self._is_usable(found):
                return False
            self._drop(self.store.update(found, replace(found.record, expires=0.0)))
            return True

    def user(self, lease: Lease) -> Holder | None:
        """Return the process that holds a lease; None if none does."""
        return self.store.worker(lease.record.id) if lease.record.held else None

    def is_over(self, lease: Lease) -> bool:
        """Whether a lease has expired, or the process that made it ended before it was ready."""
        if lease.record.expires <= self.now():
            return True
        return not lease.record.ready and not self.store.is_worked_on(lease.record.id)

    def _is_usable(self, lease: Lease) -> bool:
        return lease.record.ready and lease.record.expires > self.now()

    def expired(self) -> list[Lease]:
        """Return the leases that are over, and that no process works on."""
        over = (each for each in self.store.all() if not self._is_usable(each))
        return [each for each in over if not self.store.is_worked_on(each.record.id)]

    def drop_each(
        self, leases: Iterable[Lease], *, if_over: bool = False
    ) -> tuple[list[Lease], list[tuple[Lease, NexusError]]]:
        """Drop several leases; ``if_over`` as for ``drop``. Returns those that are gone, and those that failed with the error."""
        dropped: list[Lease] = []
        failed: list[tuple[Lease, NexusError]] = []
        for lease in leases:
            try:
                if self.drop(lease, if_over=if_over):
                    dropped.append(lease)
            except NexusError as error:
                failed.append((lease, error))
        return dropped, failed

    def sweep(self) -> tuple[str, ...]:
        """Drop what is over. Returns a warning for each lease that could not be dropped."""
        _, failed = self.drop_each(self.expired(), if_over=True)
        return tuple(
            f"the expired lease {title(lease)} was not dropped: {error.message}"
            for lease, error in failed
            if not isinstance(error, Locked)
        )

    def drop_unrecorded(self) -> list[str]:
        """Drop what the servers hold of leases without a record, and what killed processes left in the state folder.

        Returns the ids of these leases.

        The servers are asked first: a lease that is made meanwhile has a record before it has anything else.
        """
        access = self.connect()
        found = together({name: partial(part.found, access) for name, part in self.parts.items()})
        known = {*(each.record.id for each in self.store.all()), *self.store.foreign().values()}
        lost = sorted(frozenset[str]().union(*found.values()) - known)
        for lease_id in lost:
            self._drop_parts(Slice(id=lease_id))
        self.store.tidy()
        return lost

    def restore(self) -> None:
        """Create again what single servers lost of leases that are in use."""
        used = [each for each in self.store.all() if self._is_usable(each)]
        if used:
            access = self.connect()
            slices = {name: [slice_of(each) for each in used if name in each.record.components] for name in self.parts}
            together({name: partial(part.restore, access, slices[name]) for name, part in self.parts.items()})

    def variables(self, lease: Lease) -> Mapping[str, str]:
        """Return the variables of the lease's components, pointed at the slice, and write the files that they name."""
        access = self.connect()
        found: dict[str, str] = {}
        for name in lease.record.components:
            part, slice_ = self.parts[name], slice_of(lease)
            found |= {each.name: each.value for each in part.variables(access, slice_)}
            for file, content in part.files(access, slice_).items():
                write(lease.folder / file, content)
        return found

    def secret_names(self, lease: Lease) -> frozenset[str]:
        """Return the names of the lease's variables that are secret."""
        access, slice_ = self.connect(), slice_of(lease)
        found = (each for name in lease.record.components for each in self.parts[name].variables(access, slice_))
        return frozenset(each.name for each in found if each.secret)

    def resources(self, lease: Lease) -> Mapping[str, str]:
        """Return component → what it holds of the lease, in words."""
        known = (name for name in lease.record.components if name in self.parts)
        return {name: self.parts[name].describe(slice_of(lease)) for name in known}

    def _made(self, lease: Lease, slice_: Slice, template: Lease | None) -> Lease:
        access = self.connect()
        source = slice_of(template) if template else None
        failed: list[Exception] = []

        def attempt(part: LeasePart) -> Mapping[str, str]:
            try:
                return part.make(access, slice_, template=source)
            except Exception as error:
                failed.append(error)
                return {}

        made = together({name: partial(attempt, part) for name, part in self.parts.items()})
        # Also if a part failed: dropping the others needs what their servers generated, such as the accessor of Vault's token.
        facts = {key: value for each in made.values() for key, value in each.items()}
        lease = self.store.update(lease, replace(lease.record, facts=facts))
        if failed:
            raise failed[0]
        return lease

    def _new(self, ttl: float, template: Lease | None) -> LeaseRecord:
        now = self.now()
        return LeaseRecord(
            id=new_id(),
            seed=random_password(_SEED_LENGTH),
            created=now,
            expires=now + ttl,
            components=tuple(self.parts),
            template=template.record.id if template else "",
        )

    def _drop(self, lease: Lease) -> None:
        self._drop_parts(slice_of(lease))
        self.store.remove(lease)

    def _drop_parts(self, slice_: Slice) -> None:
        access = self.connect()
        together({name: partial(part.drop, access, slice_) for name, part in self.parts.items()})


def open_desk(context: Context, instance: Instance, command: str, *, sessions: Sessions | None = None) -> LeaseDesk:
    """Return the leases of an instance.

    Args:
        context: The context of the command.
        instance: The instance.
        command: This command, as it is typed.
        sessions: Connections that are kept for the next operation; None to close each one.

    Raises:
        NotFound: It was never brought up, or none of its components has a part in leases.
    """
    published = stored.read(instance.folder).components
    components = {name: context.components[name] for name in published if name in context.components}
    parts = {name: each.lease_part() for name, each in components.items() if isinstance(each, HasLeasePart)}
    if not parts:
        raise NotFound(
            f"instance {instance.name} has nothing to lease",
            why="leases need PostgreSQL, Redis, MinIO or Vault",
            hint="nexusdev up",
        )
    opened: list[InstanceAccess] = []

    def connect() -> InstanceAccess:
        if not opened:
            stack = context.stack(instance)
            access = instance.access(context.runtime(stack, owner=instance.owner), stack)
            opened.append(replace(access, sessions=sessions or access.sessions))
        return opened[0]

    return LeaseDesk(store=LeaseStore(folder=instance.folder), parts=parts, connect=connect, command=command)


def upkeep(context: Context, instance: Instance, command: str, *, started: bool) -> tuple[str, ...]:
    """Drop leases that are over. If servers were started, also restore what they lost, and drop what they still hold of former leases.

    Args:
        context: The context of the command.
        instance: The instance.
        command: This command, as it is typed.
        started: Whether the command started servers.

    Returns:
        Warnings.
    """
    store = LeaseStore(folder=instance.folder)
    try:
        if not (store.home.exists() if started else store.all()):
            return ()
        desk = open_desk(context, instance, command)
        warnings = desk.sweep()
        if started:
            desk.restore()
            desk.drop_unrecorded()
    except NexusError as error:
        return (f"the leases were not checked: {error.message}",)
    return warnings


def slice_of(lease: Lease, *, ttl: float = 0.0) -> Slice:
    """Return what a component's part gets of a lease."""
    record = lease.record
    return Slice(id=record.id, seed=record.seed, ttl=ttl, facts=record.facts, folder=str(lease.folder))


def title(lease: Lease) -> str:
    """Return a lease's name for people; its id if it has none."""
    return lease.name or lease.record.id


def _in_use(lease: Lease, user: Holder) -> Locked:
    return Locked(
        f"the lease {title(lease)} is in use by {user.who}",
        why="it is dropped when this process ends",
        hint=f"kill {user.pid}   end it",
        evidence=(str(user),),
    )


def titles(leases: Sequence[Lease]) -> tuple[str, ...]:
    """Return the names of several leases, for people."""
    return tuple(title(each) for each in leases)
