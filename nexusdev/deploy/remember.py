"""The output of an ``up``: the env file, the record of the last ``up``, and nexusdev's own metrics."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.deploy import last_up
from nexusdev.deploy.last_up import LastUp
from nexusdev.deploy.publisher import publish, republish
from nexusdev.deploy.up_state import UpState
from nexusdev.env.file import Written
from nexusdev.instance import textfile_metrics
from nexusdev.interfaces import InstanceAccess


def remember(
    context: Context, state: UpState, access: InstanceAccess, absent: Mapping[str, str], *, existing: Collection[str]
) -> Written:
    """Publish the variables of all components that run now, including those of an earlier ``up``, and record this ``up``.

    Own services have no variables. They are recorded when they are ready (``remember_own``).

    Args:
        context: The context of the command.
        state: The state before the deployment.
        access: The instance as components see it.
        absent: Optional service that was left out → why.
        existing: The components that have a container now.
    """
    written = publish(context, state.instance, access, [context.components[name] for name in brought(state, existing)])
    last_up.write(state.instance.folder, _record(state, absent, existing, names=state.platform))
    return written


def brought(state: UpState, existing: Collection[str]) -> Sequence[str]:
    """Return the platform's components that run now: those of this ``up``, and those of an earlier one.

    Args:
        state: The state before the deployment.
        existing: The components that have a container now.
    """
    own = {each.component for each in state.stack.own}
    return [name for name in _brought(state, state.previous, existing) if name not in own]


def remember_own(state: UpState, absent: Mapping[str, str], *, existing: Collection[str]) -> None:
    """Record the own services, which are ready.

    Args:
        state: The state at the time when the platform was ready.
        absent: Optional service that was left out → why.
        existing: The components that have a container now.
    """
    last_up.write(state.instance.folder, _record(state, absent, existing, names=state.selected))


def remember_unchanged(context: Context, state: UpState) -> Written:
    """Write the env file again if it was changed, and record a changed profile, for an ``up`` that had nothing to do."""
    written = republish(context, state.instance)
    last_up.note_use(state.instance.folder)
    if state.selection.profile not in ("", state.previous.profile):
        existing = state.observation.components
        last_up.write(state.instance.folder, state.selection.remembered(state.previous, existing))
    return written


def write_metrics(
    state: UpState, ready: Mapping[str, float], *, absent: Mapping[str, str], existing: Collection[str], took: float
) -> None:
    """Write nexusdev's own metrics for Prometheus.

    Args:
        state: The state before the deployment.
        ready: Component → seconds until it was ready.
        absent: Optional service that was left out → why.
        existing: The components that have a container now.
        took: Duration of the ``up``, in seconds.
    """
    folder = state.instance.folder
    components = _brought(state, _record(state, absent, existing, names=state.selected), existing)
    wanted = {each.name for each in state.stack.services.values() if each.component in components} - set(absent)
    textfile_metrics.write(
        folder,
        (
            *textfile_metrics.up_metrics(seconds=took, at=state.runtime.now(), ready=ready),
            textfile_metrics.wanted_services(state.stack, wanted),
            *textfile_metrics.instance_metrics(folder, state.stack),
        ),
        state.runtime.publish_file,
    )


def _record(state: UpState, absent: Mapping[str, str], existing: Collection[str], *, names: Collection[str]) -> LastUp:
    seeds = {name: seed for name, seed in state.seeds.items() if name in names}
    seeded = replace(state.previous, seeded={**state.previous.seeded, **seeds}, absent=absent)
    return state.selection.remembered(seeded, existing)


def _brought(state: UpState, record: LastUp, existing: Collection[str]) -> list[str]:
    """Return the selected components, and those of the record that still exist."""
    before = {*existing} & set(record.seeded)
    return [name for name in state.stack.components if name in state.selected or name in before]
