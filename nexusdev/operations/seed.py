"""seed: applies the desired databases, users, buckets and policies, then the project's own files. Idempotent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from nexusdev.components.contract import Component, SeedFile
from nexusdev.context import Context
from nexusdev.deploy import last_up
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.deploy.connect import connect_components
from nexusdev.deploy.publisher import publish, warnings_of
from nexusdev.deploy.seed_files import collect, name_backups
from nexusdev.deploy.targets import require_components
from nexusdev.errors import NotFound
from nexusdev.events import Seeded
from nexusdev.interfaces import InstanceAccess
from nexusdev.results import Result
from nexusdev.util.parallel import together


class SeedResult(Result, frozen=True, kw_only=True):
    """The changes that seeding made: component → each change in words; empty if nothing had to be changed."""

    changes: Mapping[str, tuple[str, ...]]


def seed(context: Context, names: Sequence[str] = ()) -> SeedResult:
    """Seed these components (default: all that run).

    Raises:
        NotFound: A component does not run (exit 3).
        SeedingFailed: A component cannot be seeded (exit 15).
    """
    require_components(names, context.components, command="seed")
    with hold_lock(context, "nexusdev seed"):
        instance = context.instance()
        stack = context.stack(instance)
        runtime = context.runtime(stack)
        observation = runtime.observe()
        running = observation.running_components
        if absent := [name for name in (names or running or ["the stack"]) if name not in running]:
            raise NotFound(f"{absent[0]} is not running", hint="nexusdev up   start and seed it")
        all_components = [context.components[name] for name in stack.components]
        existing = [each for each in all_components if each.name in running]
        selected = [each for each in existing if not names or each.name in names]
        # an instance of an older release lacks secrets that this release needs for seeding
        instance.secrets(stack, runtime).prepare(data_exists=bool(observation.volumes))
        access = instance.access(runtime, stack)
        files = collect(context.settings.seed, stack.components)
        name_backups(context)
        changes = together(
            {
                each.name: partial(_seed, context, each, all_components, access, files.get(each.name, ()))
                for each in selected
            }
        )
        seeded = last_up.read(instance.folder).seeded
        published = [each for each in existing if each.name in seeded or not seeded]
        connected = connect_components(context, published, access, only=names)
        changes = {name: (*each, *connected.get(name, ())) for name, each in changes.items()}
        written = publish(context, instance, access, published)
    return SeedResult(instance=instance.name, changes=changes, warnings=warnings_of(written))


def _seed(
    context: Context,
    component: Component,
    all_components: Sequence[Component],
    access: InstanceAccess,
    files: Sequence[SeedFile],
) -> tuple[str, ...]:
    began = context.clock.now()
    credentials = {each.name: each.credentials(access) for each in all_components}
    changes = [*component.seed(access, credentials), *(component.apply(access, files) if files else ())]
    words = tuple(change.what for change in changes)
    context.listener.tell(Seeded(component=component.name, changes=words, elapsed=context.clock.now() - began))
    return words
