"""env: the proven variables; and how ``up``, ``seed`` and ``secrets rotate`` publish them in the first place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from nexusdev.components.contract import Component, Variable
from nexusdev.environment import file, formats, stored
from nexusdev.environment.file import Written
from nexusdev.environment.stored import Stored
from nexusdev.errors import Degraded, UsageError
from nexusdev.events import Note
from nexusdev.instance.instance import Instance
from nexusdev.operations.context import Context
from nexusdev.operations.outcome import Outcome
from nexusdev.operations.turn import turn
from nexusdev.ports import Site, View


class EnvOutcome(Outcome, frozen=True, kw_only=True):
    """``text`` goes to stdout as it is: no wrapping, nothing beside it. ``masked``: values that logs of a CI must hide."""

    text: str = ""
    masked: tuple[str, ...] = ()


def env(
    context: Context, *, style: str = "dotenv", view: str = "host", proof: bool = True, write: bool = False
) -> EnvOutcome:
    """The variables of the last ``up``, every endpoint asked for this instance's nonce before.

    proof  False: what is in the state, unproven
    write  into the env file as well; then nothing is printed

    Raises NotFound (3), Degraded (4), IdentityMismatch (9); UsageError for an unknown format or view.
    """
    _require(style, formats.FORMATS, "format")
    _require(view, [each.value for each in View], "view")
    if write and (style, view) != ("dotenv", "host"):
        raise UsageError(
            "the env file is always dotenv, seen from the host",
            hint=f"nexusdev env --format {style} --view {view} > FILE",
        )
    instance = context.instance()
    if write:
        return _into_file(context, instance, proof=proof)
    seconds = _proven(context, instance) if proof else {}
    kept = stored.read(instance.folder)
    values = kept.views[view]
    text = formats.render(values, style, instance=instance.name)
    masked = tuple(values[name] for name in sorted(kept.secret & values.keys())) if style == "github" else ()
    return EnvOutcome(instance=instance.name, data=_data(view, seconds, values), text=text, masked=masked)


def _into_file(context: Context, instance: Instance, *, proof: bool) -> EnvOutcome:
    """``env --write``. What another command publishes meanwhile is never overwritten with what was read before."""
    command = "nexusdev env --write"
    with turn(context, command, shared=True):
        pass  # nobody else is at work: what is proven now is what stays
    # not under the lock: a renewal of what expired needs it for itself
    seconds = _proven(context, instance) if proof else {}
    with turn(context, command, shared=True):
        values = stored.read(instance.folder).views["host"]
        written = _write(context, formats.render(values, "dotenv", instance=instance.name))
    data = {**_data("host", seconds, values), "file": str(written.path)}
    return EnvOutcome(instance=instance.name, data=data, says=(_said(written),), warnings=warnings_of(written))


def _data(view: str, seconds: Mapping[str, float], values: Mapping[str, str]) -> dict[str, Any]:
    return {"view": view, "proven": seconds, "variables": dict(values)}


def prove(kept: Stored) -> Mapping[str, float]:
    """Path → seconds of its answer."""
    from nexusdev.environment.proof import prove as ask

    return {
        answer.path: round(answer.seconds, 4)
        for answer in ask(kept.views["host"], instance=kept.instance, nonce=kept.nonce)
    }


def values_for_run(context: Context, *, proof: bool = True) -> Mapping[str, str]:
    """The variables as seen from the host, for a command that is run with them."""
    instance = context.instance()
    if proof:
        _proven(context, instance)
    return stored.read(instance.folder).views["host"]


def _proven(context: Context, instance: Instance) -> Mapping[str, float]:
    """The proof; where it fails and something had expired, the proof of what is new."""
    try:
        return prove(stored.read(instance.folder))
    except Degraded:
        from nexusdev.operations.renew import renewed

        if not renewed(context, instance):
            raise
    return prove(stored.read(instance.folder))


def gather(site: Site, components: Iterable[Component]) -> Stored:
    """What the components say in both views, production's names first."""
    chosen = tuple(components)
    own = (
        Variable(name="NEXUSDEV_INSTANCE", value=site.instance),
        Variable(name="NEXUSDEV_CA_FILE", value=str(site.ca_file)),
    )
    views: dict[str, Mapping[str, str]] = {}
    secret: set[str] = set()
    for view in View:
        found = [*(each for component in chosen for each in component.variables(site, view)), *own]
        views[view.value] = formats.checked(formats.ordered({each.name: each.value for each in found}))
        secret |= {each.name for each in found if each.secret}
    return Stored(
        instance=site.instance,
        nonce=site.nonce,
        views=views,
        secret=secret,
        components=[component.name for component in chosen],
    )


def publish(context: Context, instance: Instance, site: Site, components: Iterable[Component]) -> Written:
    """Store the variables of these components and write the env file; tells the listener when git was told to ignore it.

    Raises InvalidConfig where the env file must not or cannot be written (the state then has them all the same).
    """
    kept = gather(site, components)
    stored.write(instance.folder, kept)
    return _write(context, formats.render(kept.views["host"], "dotenv", instance=instance.name))


def republish(context: Context, instance: Instance) -> Written:
    """Write the env file again from the state where it was deleted or changed; for an ``up`` that had nothing else to do.

    Git is asked either way: a repository may have been made since.
    """
    kept = stored.read(instance.folder)
    text = formats.render(kept.views["host"], "dotenv", instance=instance.name)
    target = context.settings.env_file
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        return _write(context, text)
    return _told(context, file.guard(target))


def warnings_of(written: Written) -> tuple[str, ...]:
    """For the outcome of a verb that wrote the file."""
    return (written.warning,) if written.warning else ()


def check_env_file(context: Context) -> None:
    """Raise what ``publish`` would raise about the env file; ``up`` asks before it starts anything."""
    file.refuse(context.settings.env_file)


def _write(context: Context, text: str) -> Written:
    return _told(context, file.write(context.settings.env_file, text))


def _told(context: Context, written: Written) -> Written:
    if written.excluded:
        context.listener.tell(
            Note(text=f"{written.path.name} is now ignored by git in this clone ({written.excluded})")
        )
    return written


def _said(written: Written) -> str:
    return f"{'wrote' if written.changed else 'unchanged:'} {written.path}"


def _require(given: str, known: Iterable[str], what: str) -> None:
    names = list(known)
    if given not in names:
        near = get_close_matches(given, names, 1)
        raise UsageError(
            f"there is no {what} {given!r}",
            why=f"known are {', '.join(names)}",
            hint=f"--{what} {near[0]}" if near else "",
        )
