"""up --dry-run: returns the plan of an ``up``, and the volumes that it would have to create again. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct, field

from nexusdev.context import Context
from nexusdev.deploy import own_images
from nexusdev.deploy.image_gate import names_of
from nexusdev.deploy.lost_volumes import clearing
from nexusdev.deploy.prepare import preview_instance, require_whole
from nexusdev.deploy.targets import require_components, subset
from nexusdev.deploy.up_state import absence_warnings, read_up_state
from nexusdev.results import Result
from nexusdev.stack.losses import Loss


class PlannedStep(Struct, frozen=True, kw_only=True):
    """One step of a plan: action, resource and reason (``create redis-0: it is not there``)."""

    action: str
    resource: str
    reason: str


class PlanResult(Result, frozen=True, kw_only=True):
    """The steps that ``up`` would execute.

    Attributes:
        missing_images: Images that are pulled or built first.
        absent: Optional service that is left out → why.
    """

    steps: tuple[PlannedStep, ...]
    missing_images: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)


def dry_run(context: Context, names: Sequence[str] = (), *, agreed: Collection[str] | None = None) -> PlanResult:
    """Return the plan of an ``up``, each step with its reason. Changes nothing.

    Args:
        context: The context of the command.
        names: Components; empty for the whole profile.
        agreed: The lost volumes that may be created again (``lost_volumes``); None for none.

    Raises:
        VolumeLost: A data volume existed before and is gone.
    """
    require_components(names, context.components, command="up")
    instance = preview_instance(context)
    state = read_up_state(context, instance, names)
    require_whole(context, state, names, agreed or ())
    first = clearing(state.stack, state.losses).services
    # only an `up` with other changes retries services that were left out
    absent = {} if state.changes or first else state.absent
    plan = state.plan_without(absent, discard=first)
    images = context.images()
    selected_stack = subset(state.selected_stack, state.selected, but=absent)
    missing = [name for name, found in images.stored(names_of(images, selected_stack)).items() if found is None]
    missing += own_images.missing(context, selected_stack)
    return PlanResult(
        instance=instance.name,
        steps=tuple(
            PlannedStep(action=str(each.action), resource=each.resource, reason=each.reason) for each in plan.steps
        ),
        missing_images=tuple(missing),
        absent=dict(absent),
        warnings=absence_warnings(absent),
    )


def lost_volumes(context: Context, names: Sequence[str] = ()) -> tuple[Loss, ...]:
    """Return the data volumes that this ``up`` would create although they existed before. Changes nothing."""
    require_components(names, context.components, command="up")
    return read_up_state(context, preview_instance(context), names).losses
