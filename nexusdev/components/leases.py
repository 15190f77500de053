"""The protocol of a component's part in leases. A lease is an isolated slice of the running stack: one part per component.

A component that has such a part has the method ``lease_part`` (see ``HasLeasePart``). The operations keep the records of all leases; a part
only makes, empties and drops what its servers hold. All its names derive from the id of the slice, and all its passwords from the slice's
seed, so a part can drop what an interrupted ``make`` left behind.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from nexusdev.components.contract import Variable
from nexusdev.interfaces import InstanceAccess


class Slice(Struct, frozen=True, kw_only=True):
    """What identifies a slice on the servers.

    Attributes:
        id: 10 characters of ``[a-z0-9]``, the first one a letter; part of every name on the servers.
        seed: Random text from which the passwords derive; '' for a slice that is only dropped.
        ttl: Seconds for which credentials that expire by themselves must stay valid.
        facts: What the servers generated: the result of each part's ``make``.
        folder: The folder of the slice's client files on the host.
    """

    id: str
    seed: str = ""
    ttl: float = 0.0
    facts: Mapping[str, str] = {}
    folder: str = ""

    def secret(self, purpose: str, length: int = 32) -> str:
        """Return a password of letters and digits; another purpose has another one.

        Args:
            purpose: What it is for: ``postgres``.
            length: Number of characters, at most 50.
        """
        digest = hmac.digest(self.seed.encode(), purpose.encode(), hashlib.sha512)
        return base64.b32encode(digest).decode().lower()[:length]


class LeasePart(Protocol):
    """The part of one component in leases. Every method may be repeated, and may run for several slices at once.

    All methods that ask a server raise ``SeedingFailed`` if it does not answer or rejects a change.
    """

    def make(self, access: InstanceAccess, slice_: Slice, *, template: Slice | None = None) -> Mapping[str, str]:
        """Create the slice's resources and its credentials.

        Args:
            access: The instance.
            slice_: The slice; ``facts`` is empty.
            template: The slice whose content is copied, if the part can do that.

        Returns:
            What the servers generated and ``variables`` or ``drop`` needs: name → value.
        """

    def empty(self, access: InstanceAccess, slice_: Slice) -> None:
        """Remove the slice's content; its resources and credentials stay."""

    def drop(self, access: InstanceAccess, slice_: Slice) -> None:
        """Remove everything of the slice. Resources that do not exist are no error."""

    def restore(self, access: InstanceAccess, slices: Iterable[Slice]) -> None:
        """Create again what single servers lost or never got, because they were down or lost their volume."""

    def found(self, access: InstanceAccess) -> frozenset[str]:
        """Return the ids of all slices of which the servers hold something."""

    def describe(self, slice_: Slice) -> str:
        """Return the name of what the servers hold of the slice: its database, its bucket. Asks no server."""

    def variables(self, access: InstanceAccess, slice_: Slice) -> Sequence[Variable]:
        """Return all variables of the component, pointed at the slice, for the host. Asks no server."""

    def files(self, access: InstanceAccess, slice_: Slice) -> Mapping[str, str]:
        """Return the files that the variables name: name in ``slice_.folder`` → content."""


@runtime_checkable
class HasLeasePart(Protocol):
    """A component that has a part in leases."""

    def lease_part(self) -> LeasePart:
        """Return the part."""


#: How the servers report a full disk: PostgreSQL, Vault and the kernel; MinIO.
_FULL = re.compile(r"no space left on device|StorageFull|minimum free drive|disk is full", re.IGNORECASE)


def hint(title: str, component: str, why: str) -> str:
    """Return what to type after a server refused something of a lease.

    Args:
        title: Title of the component.
        component: The component.
        why: What the server says.
    """
    look = f"nexusdev status   show the state of {title}\nnexusdev logs {component}   show the servers' logs"
    if _FULL.search(why):
        return f"nexusdev gc   free disk space: the disk of the servers is full\n{look}"
    return look


class LeasePartDefaults:
    """A part whose servers replicate everything, and whose variables name no files."""

    def restore(self, access: InstanceAccess, slices: Iterable[Slice]) -> None:
        """Nothing can be lost on a single server."""

    def files(self, access: InstanceAccess, slice_: Slice) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's signature
        return {}
