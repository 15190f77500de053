"""Renews expired credentials when their proof fails, through components that implement ``RenewsCredentials``."""

from __future__ import annotations

from nexusdev.components.capabilities import RenewsCredentials
from nexusdev.context import Context
from nexusdev.deploy.command_lock import hold_lock, is_env
from nexusdev.deploy.own_service_values import outdated_warnings
from nexusdev.env import stored
from nexusdev.errors import NexusError
from nexusdev.events import Note
from nexusdev.instance.instance import Instance


def renewed(context: Context, instance: Instance) -> bool:
    """Let every published component renew expired credentials, and publish the new ones.

    If several commands find the same expired credential, one renews it and the others wait. A server that does not answer, or an
    instance that is locked by another command, is not an error here: the proof reports it.

    Returns:
        Whether anything was renewed.
    """
    from nexusdev.deploy import publisher

    before = stored.read(instance.folder)
    published = [context.components[name] for name in before.components]
    renewing = [each for each in published if isinstance(each, RenewsCredentials)]
    if not renewing:
        return False
    try:
        with hold_lock(context, "nexusdev env", beside=is_env):
            if stored.read(instance.folder).views != before.views:
                return True
            stack = context.stack(instance)
            access = instance.access(context.runtime(stack, owner=instance.owner), stack)
            changed = [each.name for each in renewing if tuple(each.refresh(access))]
            if changed:
                publisher.publish(context, instance, access, published)
                for words in outdated_warnings(stack, changed):
                    context.listener.tell(Note(text=words, warning=True))
    except NexusError:
        return False
    return bool(changed)
