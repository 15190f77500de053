"""run --dynamic, env --dynamic: short-lived logins to the database, which Vault issues, in place of the permanent ones."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from nexusdev.components.contract import Variable
from nexusdev.components.dynamic_logins import HasDynamicLogins, IssuedLogin, IssuesDynamicLogins
from nexusdev.context import Context
from nexusdev.env import stored
from nexusdev.errors import Degraded, NotFound
from nexusdev.events import Note
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.util.humanize import duration

#: Seconds between two renewals at the shortest.
_SHORTEST = 20.0
#: Seconds to wait for a renewal that is under way.
_PATIENCE = 5.0


class DynamicLease(Struct, frozen=True, kw_only=True):
    """The logins that were issued for one command.

    Attributes:
        issuer: The component that renews and revokes them.
        database: The component that they are for.
        access: The instance.
        issued: One login per role.
    """

    issuer: IssuesDynamicLogins
    database: HasDynamicLogins
    access: InstanceAccess
    issued: Mapping[str, IssuedLogin]

    @property
    def seconds(self) -> float:
        """For how long all of them are valid."""
        return min(each.seconds for each in self.issued.values())

    def in_place(self, values: Mapping[str, str], view: View, *, folder: str = "") -> dict[str, str]:
        """Return the variables with the issued logins.

        Args:
            values: The variables of the instance.
            view: From where they are used.
            folder: Where ``files`` are; '' to leave out the variables that need them.
        """
        permanent = {each.name for each in self._permanent(view)}
        kept = {name: value for name, value in values.items() if name not in permanent}
        found = self.database.dynamic_variables(self.access, view, self.issued, folder=folder)
        return {**kept, **{each.name: each.value for each in found}}

    def files(self, view: View) -> Mapping[str, str]:
        """Return the files that the variables name: name → content."""
        return self.database.dynamic_files(self.access, view, self.issued)

    def renew(self) -> float:
        """Extend all logins, and return for how many seconds they are valid. Raises Degraded."""
        return min(self.issuer.renew(self.access, each) for each in self.issued.values())

    def revoke(self) -> None:
        """Drop all logins; their sessions end. One that fails does not keep the others.

        Raises:
            Degraded: A login could not be dropped.
        """
        failures = []
        for each in self.issued.values():
            try:
                self.issuer.revoke(self.access, each)
            except Degraded as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _permanent(self, view: View) -> tuple[Variable, ...]:
        return tuple(self.database.dynamic_variables(self.access, view, {}, folder="-"))


def issue(context: Context) -> DynamicLease:
    """Let Vault issue the logins that the variables contain.

    Raises:
        NotFound: The instance does not exist, or Vault or PostgreSQL does not belong to what runs.
        Degraded: Vault does not answer, or it cannot issue logins.
    """
    instance = context.instance()
    published = [context.components[name] for name in stored.read(instance.folder).components]
    issuer = next((each for each in published if isinstance(each, IssuesDynamicLogins)), None)
    database = next((each for each in published if isinstance(each, HasDynamicLogins)), None)
    if issuer is None or database is None:
        raise NotFound(
            "short-lived logins need PostgreSQL and Vault",
            why=f"running: {', '.join(each.name for each in published)}",
            hint="nexusdev up postgres vault",
        )
    stack = context.stack(instance)
    access = instance.access(context.runtime(stack, owner=instance.owner), stack)
    logins = database.dynamic_logins()
    wanted = [each for each in logins.roles if each.name in logins.published]
    return DynamicLease(issuer=issuer, database=database, access=access, issued=issuer.issue(access, wanted))


@contextmanager
def held(
    context: Context, *, wait: Callable[[threading.Event, float], bool] = threading.Event.wait
) -> Iterator[DynamicLease]:
    """Issue logins, renew them during the block, and revoke them at its end, also when it fails.

    Args:
        context: The context of the command.
        wait: Waits for an event for so many seconds, and returns whether it was set.
    """
    lease = issue(context)
    over = threading.Event()
    renewing = threading.Thread(target=_renew, args=(context, lease, over, wait), name="renew-logins", daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        over.set()
        renewing.join(_PATIENCE)  # a renewal that is under way would fail after the revocation
        try:
            lease.revoke()
        except Degraded as error:
            text = f"the logins of this command were not revoked: {error.why}. They expire by themselves"
            context.listener.tell(Note(text=text, warning=True))


@contextmanager
def client_files(lease: DynamicLease) -> Iterator[str]:
    """Yield a folder with the files that the variables name. Only this user can read it, and it is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="nexusdev-") as folder:
        for name, content in lease.files(View.HOST).items():
            file = Path(folder) / name
            file.touch(mode=0o600)
            file.write_text(content, encoding="utf-8")
        yield folder


def _renew(
    context: Context, lease: DynamicLease, over: threading.Event, wait: Callable[[threading.Event, float], bool]
) -> None:
    """Renew the logins after half of their time, until the command ends or they cannot be renewed any more."""
    left, warned = lease.seconds, False
    while not wait(over, pause := max(left / 2, _SHORTEST)):
        left -= pause
        try:
            left, warned = lease.renew(), False
        except Exception as error:  # in a thread of its own nobody else would report it
            why = error.why if isinstance(error, Degraded) else f"{type(error).__name__}: {error}"
            if left <= 0:
                text = f"the logins of this command have expired: {why}"
                context.listener.tell(Note(text=text, warning=True))
                return
            if not warned:
                text = f"the logins of this command end in {duration(left)} unless they can be renewed: {why}"
                context.listener.tell(Note(text=text, warning=True))
            warned = True
