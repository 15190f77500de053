"""Publishes the variables of an instance: gathered from its components, stored, written to the env file, and proven."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nexusdev.components.contract import Component
from nexusdev.context import Context
from nexusdev.deploy.client_files import own_variables, write_client_files
from nexusdev.env import file, formats, stored
from nexusdev.env.file import Written
from nexusdev.env.stored import Stored
from nexusdev.events import Note
from nexusdev.instance.instance import Instance
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.util.humanize import join_names


def prove(kept: Stored, components: Mapping[str, Component]) -> Mapping[str, float]:
    """Probe the endpoints of the stored variables.

    Args:
        kept: The stored variables.
        components: Name → component, of all components; those that published variables are probed.

    Returns:
        Path → duration of its answer, in seconds.
    """
    from nexusdev.env.proof import prove as ask

    values = kept.views["host"]
    endpoints = [each for name in kept.components for each in components[name].endpoints(values)]
    answers = ask(endpoints, values, instance=kept.instance, nonce=kept.nonce)
    return {answer.path: round(answer.seconds, 4) for answer in answers}


def gather(access: InstanceAccess, components: Iterable[Component]) -> Stored:
    """Return the variables of the components in both views. The production names come first."""
    selected = tuple(components)
    views: dict[str, Mapping[str, str]] = {}
    secret: set[str] = set()
    for view in View:
        found = [each for component in selected for each in component.variables(access, view)]
        found += own_variables(access, view)
        found.sort(key=lambda each: not each.first)
        views[view.value] = formats.checked({each.name: each.value for each in found})
        secret |= {each.name for each in found if each.secret}
    return Stored(
        instance=access.instance,
        nonce=access.nonce,
        views=views,
        secret=secret,
        components=[component.name for component in selected],
    )


def publish(context: Context, instance: Instance, access: InstanceAccess, components: Iterable[Component]) -> Written:
    """Store the variables of these components and write the env file. Notifies the listener if a git exclude file was changed.

    Args:
        context: The context of the command.
        instance: The instance.
        access: The access that the components get.
        components: The components to publish.

    Raises:
        InvalidConfig: The env file cannot be written there. The variables are stored nevertheless.
    """
    selected = tuple(components)
    write_client_files(access, selected)
    kept = gather(access, selected)
    stored.write(instance.folder, kept)
    if absent := [name for name in stored.expected(instance.folder) if name not in kept.components]:
        lacks = f"{context.settings.env_file.name} has no variables for {join_names(absent)} because the last up did not finish; run nexusdev up"
        context.listener.tell(Note(text=lacks, warning=True))
    else:
        stored.settle(instance.folder)
    return write_env_file(context, formats.render(kept.views["host"], "dotenv", instance=instance.name))


def republish(context: Context, instance: Instance) -> Written:
    """Write the env file again from the state if it was deleted or changed; for an ``up`` that had nothing else to do.

    The git check runs in any case, because a repository may have been created since.
    """
    kept = stored.read(instance.folder)
    text = formats.render(kept.views["host"], "dotenv", instance=instance.name)
    target = context.settings.env_file
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        return write_env_file(context, text)
    return _announce(context, file.guard(target))


def check_env_file(context: Context) -> None:
    """Raise the errors that ``publish`` would raise about the env file and its values. ``up`` calls this before it starts anything."""
    formats.require_portable(context.root)
    file.refuse(context.settings.env_file)


def write_env_file(context: Context, text: str) -> Written:
    """Write the env file and report a changed git exclude file. Raises InvalidConfig if it cannot be written."""
    return _announce(context, file.write(context.settings.env_file, text))


def warnings_of(written: Written) -> tuple[str, ...]:
    """Return the warnings about the env file, for the result of a command that wrote it."""
    return (written.warning,) if written.warning else ()


def _announce(context: Context, written: Written) -> Written:
    if written.excluded:
        context.listener.tell(
            Note(text=f"{written.path.name} is now ignored by git in this clone ({written.excluded})")
        )
    return written
