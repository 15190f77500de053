"""Decides which profile with single servers an instance has. It is chosen when the instance is created, and kept for life."""

from __future__ import annotations

from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.errors import NotFound, PreflightFailed, UsageError
from nexusdev.instance import state
from nexusdev.instance.instance import Instance, find, preview
from nexusdev.stack.model import FULL


def wanted_single(context: Context) -> str:
    """Return the profile with single servers that the settings ask for; '' for the whole stack.

    Raises:
        PreflightFailed: The runtime cannot run it (PROFILE_UNSUPPORTED).
    """
    asked = context.settings.profile
    if asked in ("", FULL) or asked not in context.read_stack(preview(context.identity, root=context.root)).single:
        return ""
    if not context.provider.runs_single_servers:
        raise PreflightFailed(
            f"profile {asked} does not run on {context.settings.runtime}",
            why="there the gateway's role names are Services of the cluster, and a single server has none",
            hint="nexusdev up --profile core   everything without monitoring",
            code="PROFILE_UNSUPPORTED",
        )
    return asked


def settled(context: Context) -> None:
    """Check that an existing instance has the asked-for profile, or give it that profile while it has neither containers nor data.

    The caller holds the instance's lock.

    Raises:
        UsageError: It has servers or data of another profile (PROFILE_FIXED).
        PreflightFailed: The runtime cannot run the profile.
    """
    try:
        found = find(context.identity, root=context.root)
    except NotFound:
        return
    wanted = changed(context, found)
    if wanted is None:
        return
    observation = context.runtime(owner=found.owner).observe()
    if observation.services or observation.volumes:
        raise fixed(context, found)
    record = state.read_record(found.folder)
    if record:
        state.write_record(found.folder, replace(record, single=wanted))


def changed(context: Context, found: Instance) -> str | None:
    """Return the profile with single servers that the settings ask for instead of the instance's own ('' for none); None for no change."""
    asked = context.settings.profile
    if asked in ("", found.single) or (asked == FULL and not found.single):
        return None
    if found.single:
        stack = context.read_stack(replace(found, single=""))
        known = asked == FULL or asked in stack.profiles or asked in stack.single
        return wanted_single(context) if known else None  # an unknown profile is reported where it is selected
    return wanted_single(context) or None


def fixed(context: Context, found: Instance) -> UsageError:
    """Return the error for an instance with servers or data of another profile than the one asked for."""
    asked, has = context.settings.profile, found.single or FULL
    origin = context.settings.origins.get("profile", "--profile")
    return UsageError(
        f"instance {found.name} has the servers of profile {has}, not of {asked} ({origin})",
        why=f"{found.single or asked} has one server of each product, and the data of one server and of several cannot be exchanged",
        hint=f"nexusdev up{f' --profile {has}' if found.single else ''}   start it as it is\n"
        f"nexusdev -i NAME up --profile {asked}   a second instance beside it\n"
        f"nexusdev destroy   remove it with its data; then nexusdev up --profile {asked}",
        code="PROFILE_FIXED",
    )
