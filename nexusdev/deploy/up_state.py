"""The desired and the observed state of one ``up``, and the plan between them. Changes nothing of the instance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from nexusdev import __version__
from nexusdev.components.contract import SeedFile
from nexusdev.context import Context
from nexusdev.deploy import last_up, lost_volumes
from nexusdev.deploy.config_validation import ConfigValidation, validate_configs
from nexusdev.deploy.last_up import LastUp
from nexusdev.deploy.own_service_values import completed
from nexusdev.deploy.seed_files import collect
from nexusdev.deploy.selection import Selection, select
from nexusdev.deploy.targets import subset, with_dependencies
from nexusdev.deploy.up_to_date import UpToDateCheck
from nexusdev.instance.instance import Instance
from nexusdev.interfaces import Runtime
from nexusdev.plan import Observation, Plan, Up
from nexusdev.stack.fingerprint import fingerprints
from nexusdev.stack.losses import Loss
from nexusdev.stack.model import Stack


class UpState(Struct, frozen=True, kw_only=True):
    """The desired state and the observed state of one ``up``.

    Attributes:
        stack: The whole stack, own services completed.
        selected_stack: The part of ``stack`` that is selected.
        selected: The selected components, in the order of the stack.
        fingerprints: Service → fingerprint.
        files: Component → the project's own seed files.
        selection: The selected profile, and which existing services it leaves out.
        validation: The pending checks of the components' files.
        absent: Optional services that the last ``up`` left out and that are not retried, and why.
        previous: The record of the last ``up``.
        plan: The required changes.
        changes: The required changes without the ``absent`` services.
        losses: The data volumes that would be created, but existed before.
        up_to_date: Checks whether the result of the last ``up`` is still valid; None if no check is running.
    """

    instance: Instance
    stack: Stack
    selected_stack: Stack
    selected: tuple[str, ...]
    runtime: Runtime
    observation: Observation
    fingerprints: Mapping[str, str]
    files: Mapping[str, Sequence[SeedFile]]
    selection: Selection
    validation: ConfigValidation
    absent: Mapping[str, str]
    previous: LastUp
    plan: Plan = Plan()
    changes: Plan = Plan()
    losses: tuple[Loss, ...] = ()
    up_to_date: UpToDateCheck | None = None

    def plan_without(self, absent: Collection[str], *, discard: Mapping[str, Collection[str]] | None = None) -> Plan:
        """Return the plan that leaves out these services. The plan is only computed again if it is not known yet.

        Args:
            absent: Services to leave out.
            discard: Service → volumes that are removed first.
        """
        if not discard and not absent:
            return self.plan
        if not discard and set(absent) == set(self.absent):
            return self.changes
        return self.planned(absent=absent, discard=discard)

    def planned(
        self,
        *,
        absent: Collection[str] = (),
        discard: Mapping[str, Collection[str]] | None = None,
        only: Collection[str] | None = None,
    ) -> Plan:
        """Let the runtime plan the required changes.

        Args:
            absent: Services to leave out.
            discard: Service → volumes that are removed first.
            only: Limit the plan to these selected components; None for all.
        """
        kept = {name: each for name, each in self.stack.services.items() if name not in absent}
        everything = only is None and set(self.selected) >= set(self.stack.components)
        intent = Up(
            stack=replace(self.stack, services=kept),
            fingerprints=self.fingerprints,
            former=self.instance.former,
            only=None if everything else self.selected if only is None else tuple(only),
            unwanted=self.selection.unwanted(self.stack, self.observation),
            discard=discard or {},
        )
        return self.runtime.plan(intent, self.observation)

    @property
    def own(self) -> tuple[str, ...]:
        """The selected components that are own services of the project."""
        own = {each.component for each in self.stack.own}
        return tuple(name for name in self.selected if name in own)

    @property
    def platform(self) -> tuple[str, ...]:
        """The selected components of the platform."""
        own = self.own
        return tuple(name for name in self.selected if name not in own)

    def platform_plan(self, absent: Collection[str]) -> Plan:
        """Return the platform's part of the plan without these services. Own services are planned when the platform is ready."""
        return self.planned(absent=absent, only=self.platform) if self.own else self.plan_without(absent)

    @property
    def seeds(self) -> Mapping[str, str]:
        """Component → hash over everything that its seeding depends on: definitions, secrets, project files, the version of nexusdev."""
        return {name: self._seed(name) for name in self.selected}

    def _seed(self, component: str) -> str:
        facts = (
            __version__,
            self.instance.nonce,
            {each.name: self.fingerprints[each.name] for each in self.stack.of_component(component)},
            [(each.path, each.sha256) for each in self.files.get(component, ())],
        )
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def read_up_state(
    context: Context,
    instance: Instance,
    names: Sequence[str],
    *,
    runtime: Runtime | None = None,
    observation: Observation | None = None,
    previous: LastUp | None = None,
) -> UpState:
    """Read the desired state and the observed state, and plan the difference. Changes nothing.

    Args:
        context: The context of the command.
        instance: The instance.
        names: The components that the user named; empty for the profile.
        runtime: The runtime to use; None to open the runtime of the instance.
        observation: An observation to reuse; None to observe now.
        previous: The record of the last ``up``; None to read it from the state folder.

    Returns:
        The state with its plan and the lost volumes that the plan would create.

    Raises:
        InvalidConfig: A file of a selected component is invalid.
    """
    stack = context.stack(instance)
    runtime = runtime or context.runtime(stack, owner=instance.owner)
    stack = completed(context, instance, stack, runtime)
    previous = previous or last_up.read(instance.folder)
    selection = select(context.settings, stack, names, remembered=previous.profile)
    selected = with_dependencies(selection.components, stack, context.components)
    components = [context.components[name] for name in selected]
    validation = validate_configs(components, stack, instance=instance.name, root=context.root)
    state = UpState(
        instance=instance,
        stack=stack,
        selected_stack=subset(stack, selected),
        selected=selected,
        runtime=runtime,
        observation=observation or runtime.observe(),
        fingerprints=fingerprints(stack),
        files=collect(context.settings.seed, stack.components),
        selection=replace(selection, components=selected),
        validation=validation,
        absent=_still_absent(context, subset(stack, selected), previous),
        previous=previous,
    )
    state = _with_plans(state)
    # only volumes that the plan would create: other volumes are not needed now
    made = state.plan.made_volumes
    return replace(state, losses=lost_volumes.lost(context, instance, stack, state.observation, wanted=made))


def observed_again(state: UpState) -> UpState:
    """Return the state with a new observation, after remaining volumes were removed so that the lost ones can be created."""
    return _with_plans(replace(state, observation=state.runtime.observe(), losses=(), up_to_date=None))


def after_the_platform(context: Context, state: UpState) -> UpState:
    """Return the state once the platform is ready: every variable has a value, and the platform is observed again. Changes nothing.

    Raises:
        InvalidState: A secret is lost.
    """
    stack = completed(context, state.instance, context.stack(state.instance), state.runtime, exact=True)
    later = replace(
        state,
        stack=stack,
        selected_stack=subset(stack, state.selected),
        fingerprints=fingerprints(stack),
        observation=state.runtime.observe(),
        previous=last_up.read(state.instance.folder),
    )
    return _with_plans(later)


def _with_plans(state: UpState) -> UpState:
    plan = state.planned()
    return replace(state, plan=plan, changes=state.planned(absent=state.absent) if state.absent else plan)


def absence_warnings(absent: Mapping[str, str]) -> tuple[str, ...]:
    """Return a warning for each optional service that is left out."""
    return tuple(f"{name} is missing: {why}" for name, why in absent.items())


def _still_absent(context: Context, selected_stack: Stack, previous: LastUp) -> Mapping[str, str]:
    """Return the optional services that stay left out: not ``strict``, and their image is still missing."""
    if context.settings.strict or not previous.absent:
        return {}
    images = context.images()
    existing = {images.resolve([name])[name] for name, image in images.stored().items() if image}
    return {
        name: why
        for name, why in previous.absent.items()
        if name in selected_stack.services and selected_stack.services[name].image not in existing
    }
