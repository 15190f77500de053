"""lease: an isolated slice of the running stack, with a database, a Redis user, a bucket and a Vault path of its own.

The commands share the instance's lock, so that any number of them run at once. Leases that have expired are dropped by the next of these commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.env import formats, stored
from nexusdev.errors import Locked, NotFound, UsageError
from nexusdev.instance.identity import require_owner
from nexusdev.instance.leases import Lease, new_id
from nexusdev.operations.env import masked_values, require_format
from nexusdev.operations.lease_desk import LeaseDesk, open_desk, title, titles
from nexusdev.operations.lease_results import (
    LeaseDropResult,
    LeaseEnvResult,
    LeaseResult,
    LeasesResult,
    info_of,
)
from nexusdev.util import durations
from nexusdev.util.humanize import duration
from nexusdev.util.nearest import nearest

#: Seconds: how long a lease may live, and how long one that was made in advance is kept.
LONGEST, PREPARED = 30 * 86400.0, 86400.0
LONGEST_NAME = 40
_HEADER = "# Written by nexusdev for lease {} of instance {}. Contains secrets: do not commit.\n"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CREATE, DROP, LIST, ENV, PREPARE = (f"nexusdev lease {verb}" for verb in ("create", "drop", "list", "env", "prepare"))


def create(context: Context, name: str = "", *, ttl: str | float = "1h", template: str = "") -> LeaseResult:
    """Create a lease.

    Args:
        context: The context of the command.
        name: Its name: at most 40 lower-case letters, digits and single dashes; '' for a generated one.
        ttl: Its lifetime: ``90s``, ``1h``, ``2d`` or seconds, at most 30 days.
        template: Name of a lease whose database is copied. Nobody can connect to that lease's database afterwards.

    Raises:
        UsageError: The name is invalid or taken, or the lifetime is invalid.
        NotFound: There is no such instance or template.
        SeedingFailed: A server does not answer or rejects a change; nothing is left.
        Locked: Another command changes the instance.
    """
    wanted, seconds = _checked_name(name or new_id()), _checked_ttl(ttl)
    with _desk(context, CREATE) as desk:
        source = _found(desk, template) if template else None
        lease, prepared = _prepared(desk, wanted, seconds, source), True
        if lease is None:
            lease, prepared = _made(desk, wanted, seconds, source), False
        warnings = desk.sweep()
        info = info_of(desk, lease)
    return LeaseResult(instance=context.identity.name, lease=info, prepared=prepared, warnings=warnings)


def prepare(context: Context, count: int, *, template: str = "") -> LeasesResult:
    """Make leases in advance, so that ``create`` only has to name one.

    Args:
        context: The context of the command.
        count: How many there are afterwards, at least.
        template: As for ``create``.

    Raises:
        NotFound, SeedingFailed, Locked: As for ``create``.
    """
    if not 0 <= count <= 100:  # noqa: PLR2004 - a typing error would fill the disk
        raise UsageError(f"cannot prepare {count} leases", why="the number must be between 0 and 100")
    with _desk(context, PREPARE) as desk:
        source = _found(desk, template) if template else None
        warnings = desk.sweep()
        wanted = source.record.id if source else ""
        for _ in range(count - sum(each.record.template == wanted for each in desk.store.ready())):
            desk.make("", ttl=PREPARED, template=source)
        return replace(_list(context, desk), warnings=warnings)


def list_leases(context: Context) -> LeasesResult:
    """Return the leases; those that have expired are dropped first."""
    with _desk(context, LIST) as desk:
        warnings = desk.sweep()
        return replace(_list(context, desk), warnings=warnings)


def env(context: Context, name: str, *, style: str = "dotenv") -> LeaseEnvResult:
    """Return the variables of ``env``, pointed at a lease. A Redis server that does not know the lease's user gets it first.

    Args:
        context: The context of the command.
        name: The lease.
        style: One of ``formats.FORMATS``.

    Raises:
        NotFound: There is no such lease, it has expired, or the instance has other components than it was made for.
        UsageError: The format does not exist.
        SeedingFailed: Redis does not answer.
    """
    require_format(style)
    with _desk(context, ENV) as desk:
        lease = _found(desk, name)
        _require_same_components(desk, lease)
        desk.restore()
        kept = stored.read(desk.store.folder)
        values = {**kept.views["host"], **desk.variables(lease), "NEXUSDEV_LEASE": name}
        text = formats.render(values, style, instance=context.identity.name, environ=context.environ)
        return LeaseEnvResult(
            instance=context.identity.name,
            lease=info_of(desk, lease),
            variables=values,
            masked=masked_values(values, kept.secret | desk.secret_names(lease), style),
            text=_HEADER.format(name, context.identity.name) + text.partition("\n")[2] if style == "dotenv" else text,
            warnings=desk.sweep(),
        )


def drop(context: Context, name: str = "", *, expired: bool = False, everything: bool = False) -> LeaseDropResult:
    """Drop one lease, those that have expired, or all.

    Args:
        context: The context of the command.
        name: The lease.
        expired: Drop those that have expired, whose creation was interrupted, and those without a record.
        everything: Drop all, also those that were made in advance.

    Returns:
        What was dropped. If some could not be dropped, ``error`` is the first failure, ``warnings`` are the others, and the next call continues.

    Raises:
        UsageError: Not exactly one of the three was given.
        NotFound: There is no such lease.
    """
    if (bool(name), expired, everything).count(True) != 1:
        raise UsageError(
            "name one lease, or use --expired or --all", hint="nexusdev lease list   show the leases of this instance"
        )
    with _desk(context, DROP) as desk:
        chosen = [_known(desk, name)] if name else _several(desk, everything=everything)
        dropped, failed = desk.drop_each(chosen, if_over=expired)
        unrecorded = () if name or failed else tuple(desk.drop_unrecorded())
    return LeaseDropResult(
        instance=context.identity.name,
        dropped=titles(dropped),
        unrecorded=unrecorded,
        error=failed[0][1] if failed else None,
        warnings=tuple(f"the lease {title(lease)} was not dropped: {error.message}" for lease, error in failed[1:]),
    )


@contextmanager
def _desk(context: Context, command: str) -> Iterator[LeaseDesk]:
    """Open the leases of the instance and share its lock: no command changes the instance meanwhile, but others may use leases."""
    with hold_lock(context, command, shared=True):
        instance = context.instance()
        require_owner(context.identity, instance.owner, instance.place)
        yield open_desk(context, instance, command)


def _made(desk: LeaseDesk, name: str, ttl: float, template: Lease | None) -> Lease:
    """Make a lease; if one of this name is over, it is dropped first."""
    while (made := desk.make(name, ttl=ttl, template=template)) is None:
        _vacate(desk, name)
    return made


def _prepared(desk: LeaseDesk, name: str, ttl: float, template: Lease | None) -> Lease | None:
    """Give the name to a lease that was made in advance and lives long enough; None if there is none."""
    wanted = template.record.id if template else ""
    for each in desk.store.ready():
        usable = each.record.ready and each.record.template == wanted and each.record.expires >= desk.now() + ttl
        if not usable or set(each.record.components) != set(desk.parts):
            continue
        if desk.store.is_taken(name):
            _vacate(desk, name)
        if claimed := _claimed(desk, each, name, ttl):
            return claimed
    return None


def _claimed(desk: LeaseDesk, lease: Lease, name: str, ttl: float) -> Lease | None:
    """Give the name to a lease; None if another process claims or drops it."""
    try:
        with desk.store.working_on(lease.record.id, desk.command) as held:
            held.discard = True
            claimed, now = desk.store.claim(lease, name), desk.now()
            return (
                desk.store.update(claimed, replace(claimed.record, created=now, expires=now + ttl)) if claimed else None
            )
    except Locked:
        return None


def _vacate(desk: LeaseDesk, name: str) -> None:
    """Drop a lease that is over, so that its name can be used again.

    Raises:
        UsageError: The lease is in use.
    """
    lease = desk.store.find(name)
    if lease is not None and not desk.is_over(lease):
        raise UsageError(
            f"there is already a lease named {name}",
            why=f"it expires in {duration(lease.record.expires - desk.now())}",
            hint=f"nexusdev lease env {name}    use it\nnexusdev lease drop {name}   remove it",
            code="LEASE_EXISTS",
        )
    if lease is None and name in desk.store.foreign():
        raise UsageError(
            f"there is already a lease named {name}",
            why="another version of nexusdev made it, and this one cannot read its record",
            hint=f"use another name, or drop it with the version that made it: nexusdev lease drop {name}",
            code="LEASE_EXISTS",
        )
    if lease is not None:
        desk.drop(lease, if_over=True)
    else:
        desk.store.forget(name)


def _several(desk: LeaseDesk, *, everything: bool) -> list[Lease]:
    return desk.store.all() if everything else desk.expired()


def _known(desk: LeaseDesk, name: str) -> Lease:
    """Return a lease, even one that has expired."""
    lease = desk.store.find(name)
    if lease is None:
        known = [each.name for each in desk.store.named()]
        near = nearest(name, known)
        raise NotFound(
            f"no lease named {name}",
            why=f"did you mean {near[0]}?" if near else f"this instance has: {', '.join(known) or 'no leases'}",
            hint=f"nexusdev lease create {name}\nnexusdev lease list",
        )
    return lease


def _found(desk: LeaseDesk, name: str) -> Lease:
    """Return a lease that can be used."""
    lease = _known(desk, name)
    if desk.is_over(lease) or not lease.record.ready:
        why = "its creation was interrupted or has not finished" if not lease.record.ready else "it has expired"
        if user := desk.user(lease):
            why = f"it is in use by {user.who} alone"
        raise NotFound(f"the lease {name} cannot be used", why=why, hint=f"nexusdev lease create {name}")
    return lease


def _require_same_components(desk: LeaseDesk, lease: Lease) -> None:
    """Raise NotFound if the instance has other components now: their variables would lead to the instance's own data, or to nothing."""
    leased, present = set(lease.record.components), set(desk.parts)
    if leased == present:
        return
    without = f"it was made without {', '.join(sorted(present - leased))}" if present - leased else ""
    gone = f"the instance has no {', '.join(sorted(leased - present))} now" if leased - present else ""
    bring = "nexusdev up   bring the whole stack up\n" if gone else ""
    raise NotFound(
        f"the lease {lease.name} does not fit the components of the instance",
        why="; ".join(filter(None, (without, gone))),
        hint=f"{bring}nexusdev lease drop {lease.name} && nexusdev lease create {lease.name}   make it again, empty",
    )


def _list(context: Context, desk: LeaseDesk) -> LeasesResult:
    named = tuple(info_of(desk, each) for each in desk.store.named())
    return LeasesResult(instance=context.identity.name, leases=named, prepared=len(desk.store.ready()))


def _checked_name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise UsageError(f"the name of a lease has at most {LONGEST_NAME} characters", why=f"{name!r} has {len(name)}")
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"invalid name for a lease: {name!r}",
            why="it has lower-case letters, digits, and single dashes between them",
        )
    return name


def _checked_ttl(ttl: str | float) -> float:
    try:
        seconds = durations.parse(ttl) if isinstance(ttl, str) else float(ttl)
    except ValueError:
        raise UsageError(f"invalid lifetime: {ttl!r}", why="examples: 90s, 10m, 1h30m, 2d", hint="--ttl 1h") from None
    if not 1.0 <= seconds <= LONGEST:
        raise UsageError(f"invalid lifetime: {ttl!r}", why="it must be between 1s and 30d", hint="--ttl 1h")
    return seconds
