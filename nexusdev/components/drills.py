"""What a component contributes to drills: scenarios, which are data, and the clients that load it. See ``nexusdev.drills``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from nexusdev.faults import Fault
from nexusdev.interfaces import InstanceAccess


class Victim(Struct, frozen=True, kw_only=True):
    """Which servers a fault hits. Roles are those of ``status`` at the moment of the fault.

    Attributes:
        role: Servers with this role: ``primary``; '' for any role.
        group: Servers of this group: ``etcd``; '' for any group.
        count: How many of them; the last ones of the group.
    """

    role: str = ""
    group: str = ""
    count: int = 1

    def __str__(self) -> str:
        name = " ".join(filter(None, (self.group, self.role)))
        return name if self.count == 1 else f"{self.count} × {name}"


class ClientGoal(Struct, frozen=True, kw_only=True):
    """What a drill promises one kind of client. None promises nothing: it is measured all the same.

    Attributes:
        write_gap: Longest time without an acknowledged write, in seconds.
        read_gap: Longest time without an answered read, in seconds.
        lost: How many acknowledged writes may be gone.
        linearizable: Whether its reads and writes of one register must have one order.
        unfenced: ``write_gap`` where nobody fences (``nexusdev watch`` does); None for the same.
        why: Why nothing is promised, or what the figures consist of, with the product's own words.
    """

    write_gap: float | None = None
    unfenced: float | None = None
    read_gap: float | None = None
    lost: int | None = 0
    linearizable: bool | None = None
    why: str = ""


class Scenario(Struct, frozen=True, kw_only=True):
    """One drill.

    Attributes:
        name: Its name on the command line: ``postgres-primary-kill``.
        hypothesis: What should happen, as a sentence.
        fault: The fault.
        victim: Which servers it hits.
        clients: Component and kind of client → what it is promised: ``postgres.pool``. These clients work during the drill.
        hold: How long the fault lasts at least, in seconds.
        detect: Longest time until ``status`` shows the failure, in seconds; None if it need not.
        redundant: Longest time until everything is ready again, in seconds: after the end of the fault, or, where the server is started
            again by itself, after the fault.
        recovers: Whether clients work again while the fault lasts. Otherwise they do after it.
    """

    name: str
    hypothesis: str
    fault: Fault
    victim: Victim
    clients: Mapping[str, ClientGoal]
    hold: float = 5.0
    detect: float | None = 10.0
    redundant: float = 60.0
    recovers: bool = True


class LoadClient(Protocol):
    """One client of a product, as an application uses it: it knows nothing but the variables of the env file.

    One thread uses it at a time. A method raises whatever its library raises; the caller counts it and connects again.
    """

    def connect(self) -> None:
        """Open a connection, after ``close`` again."""

    def write(self, number: int) -> None:
        """Store a number beside the others, and in the register. Returns when it is acknowledged."""

    def read(self) -> int | None:
        """Read the register; None if it was never written, or if the client has none."""

    def stored(self) -> set[int]:
        """Return every number that is stored."""

    def close(self) -> None:
        """Close the connection. Does nothing without one."""


class LoadKind(Struct, frozen=True, kw_only=True):
    """One kind of client of a product.

    Attributes:
        name: Its name: ``direct``, ``pool``.
        path: What it uses, as a variable of the env file.
        writes: Whether it can write.
        register: Whether its register is one object for all clients, so that a history of it can be checked.
    """

    name: str
    path: str
    writes: bool = True
    register: bool = False


class ProductLoad(Protocol):
    """The load of a product."""

    @property
    def kinds(self) -> Sequence[LoadKind]:
        """Its kinds of clients."""

    def prepare(self, values: Mapping[str, str], mark: str) -> None:
        """Make what the clients write into.

        Args:
            values: The variables of the env file.
            mark: Lower-case text that is part of every name that this load makes.
        """

    def client(self, kind: str, values: Mapping[str, str], mark: str) -> LoadClient:
        """Return a new client. Several of one kind and mark use the same register and the same numbers."""

    def remove(self, values: Mapping[str, str], mark: str) -> None:
        """Remove everything with this mark. It need not exist."""


class Fencing(Struct, frozen=True, kw_only=True):
    """What was done about a server that has ended.

    Attributes:
        service: The server.
        done: What was done, in one line; '' if there was nothing to do.
        why: Why there was nothing to do.
    """

    service: str
    done: str = ""
    why: str = ""


@runtime_checkable
class HasScenarios(Protocol):
    """A component that can be drilled."""

    def scenarios(self) -> Sequence[Scenario]:
        """Return its scenarios."""


@runtime_checkable
class HasLoad(Protocol):
    """A component that can be put under load."""

    def load(self) -> ProductLoad:
        """Return its load. The client library is imported when it is used."""


@runtime_checkable
class Fences(Protocol):
    """A component whose failover is quicker when somebody says that the leading server has ended."""

    def fence(self, access: InstanceAccess, service: str) -> Fencing:
        """Tell the others that a server has ended. Call it only if that is proven: its processes do not exist any more.

        Args:
            access: The instance.
            service: The server.

        Returns:
            What was done.
        """
