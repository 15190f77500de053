"""The results of the ``lease`` commands."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from nexusdev.instance.leases import Lease
from nexusdev.operations.lease_desk import LeaseDesk
from nexusdev.results import Result


class LeaseInfo(Struct, frozen=True, kw_only=True):
    """One lease.

    Attributes:
        id: Part of all its names on the servers.
        created: Time of creation, in seconds since the epoch.
        expires: When it expires, likewise.
        expires_in: Seconds until then.
        ready: Whether it can be used; otherwise it is being made, or in use by the process that made it.
        used_by: The process that uses it alone: ``pytest (pid 4711)``; '' for none.
        template: Name of the lease whose database it began with; its id if that is gone; '' for none.
        resources: Component → the name of what it holds of the lease.
    """

    name: str
    id: str
    created: float
    expires: float
    expires_in: float
    ready: bool
    used_by: str
    template: str
    resources: Mapping[str, str]


class LeaseResult(Result, frozen=True, kw_only=True):
    """A lease that was created.

    Attributes:
        prepared: Whether it had been made in advance.
    """

    lease: LeaseInfo
    prepared: bool = False


class LeasesResult(Result, frozen=True, kw_only=True):
    """The leases of an instance.

    Attributes:
        leases: Those that have a name.
        prepared: How many were made in advance.
    """

    leases: tuple[LeaseInfo, ...]
    prepared: int = 0


class LeaseEnvResult(Result, frozen=True, kw_only=True):
    """The variables of a lease.

    Attributes:
        variables: Name → value: those of ``env``, pointed at the lease.
        text: The variables in the requested format.
        masked: Values that CI logs must mask.
    """

    lease: LeaseInfo
    variables: Mapping[str, str]
    text: str = ""
    masked: tuple[str, ...] = ()


class LeaseDropResult(Result, frozen=True, kw_only=True):
    """The leases that were dropped.

    Attributes:
        dropped: Their names; the id of a lease without a name.
        unrecorded: The ids of leases that had no record any more.
    """

    dropped: tuple[str, ...]
    unrecorded: tuple[str, ...] = ()


def info_of(desk: LeaseDesk, lease: Lease) -> LeaseInfo:
    """Return what the results say of a lease."""
    record, user = lease.record, desk.user(lease)
    names = {each.record.id: each.name for each in desk.store.named()} if record.template else {}
    return LeaseInfo(
        name=lease.name,
        id=record.id,
        created=record.created,
        expires=record.expires,
        expires_in=max(0.0, record.expires - desk.now()),
        ready=record.ready,
        used_by=user.who if user else "",
        template=names.get(record.template, record.template),
        resources=desk.resources(lease),
    )
