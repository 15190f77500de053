"""Renews expired credentials when their proof fails, through components that implement ``RenewsCredentials``."""

from __future__ import annotations

from nexusdev.components.capabilities import RenewsCredentials
from nexusdev.context import Context
from nexusdev.deploy.command_lock import hold_lock, is_env
from nexusdev.env import stored
from nexusdev.errors import NexusError
from nexusdev.instance.instance import Instance


def renewed(context: Context, instance: Instance) -> bool:
    """Let every published component renew what expired; publish what is new. Whether anything is.

    Several that find the same thing expired do it once: the others wait, and find it new. A server that does not answer, or an
    instance that another command works on, is no error here: the proof has its own words.
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
            changes = [change for each in renewing for change in each.refresh(access)]
            if changes:
                publisher.publish(context, instance, access, published)
    except NexusError:
        return False
    return bool(changes)
